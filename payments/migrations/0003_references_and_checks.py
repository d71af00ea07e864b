import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0002_references_by_guard'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='ledgerentry',
            name='hold',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='resolution', to='payments.ledgerentry', verbose_name='hold'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='lot',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='expiries', to='payments.ledgerentry', verbose_name='lot'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='reverses',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='reversal', to='payments.ledgerentry', verbose_name='reverses'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='wallet',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='payments.wallet', verbose_name='wallet'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('amount__gt', 0), ('held_change', 0), ('kind__in', ['grant', 'purchase', 'refund', 'write_off'])), models.Q(('amount__lt', 0), ('held_change', 0), ('kind__in', ['spend', 'expiry', 'clawback'])), models.Q(models.Q(('amount', 0), _negated=True), ('held_change', 0), ('kind', 'adjustment')), models.Q(('amount', 0), ('held_change__gt', 0), ('kind', 'hold')), models.Q(('amount__lt', 0), ('held_change__lte', models.F('amount')), ('kind', 'capture')), models.Q(('amount', 0), ('held_change__lt', 0), ('kind', 'release')), _connector='OR'), name='ledger_shape'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('hold__isnull', False), ('kind__in', ['capture', 'release'])), models.Q(models.Q(('kind__in', ['capture', 'release']), _negated=True), ('hold__isnull', True)), _connector='OR'), models.Q(models.Q(('kind__in', ['refund']), ('reverses__isnull', False)), models.Q(models.Q(('kind__in', ['refund']), _negated=True), ('reverses__isnull', True)), _connector='OR'), models.Q(models.Q(('kind__in', ['expiry']), ('lot__isnull', False)), models.Q(models.Q(('kind__in', ['expiry']), _negated=True), ('lot__isnull', True)), _connector='OR')), name='ledger_links'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('expires_at__isnull', True), models.Q(('expires_at__gt', models.F('created_at')), ('kind', 'grant')), _connector='OR'), name='ledger_dates'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['adjustment', 'write_off']), _negated=True), models.Q(models.Q(('reason', ''), _negated=True), ('actor__isnull', False)), _connector='OR'), name='ledger_accountable'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind__in', ['hold', 'spend', 'expiry']), models.Q(('amount__lt', 0), ('kind', 'adjustment')), _connector='OR', _negated=True), ('balance_after__gte', models.F('held_after')), _connector='OR'), name='ledger_insufficient'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(('held_after__gte', 0), ('version__gte', 1)), name='ledger_counts'),
        ),
        migrations.AddConstraint(
            model_name='ledgerentry',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'write_off'), _negated=True), ('balance_after__lte', models.F('held_after')), _connector='OR'), name='ledger_write_off'),
        ),
    ]
