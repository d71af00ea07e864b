import django.db.models.deletion
import intellispark.accounts.names
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """New columns may be empty: 0003 fills them, 0004 demands them."""

    dependencies = [
        ('accounts', '0001_initial'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='auth_epoch',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='sign-in epoch'),
        ),
        migrations.AddField(
            model_name='user',
            name='closed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='closed at'),
        ),
        migrations.AddField(
            model_name='user',
            name='name_key',
            field=intellispark.accounts.names.NameKeyField(editable=False, max_length=600, null=True, verbose_name='look of the name'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['closed_at'], name='accounts_user_closed'),
        ),
        migrations.AddField(
            model_name='tokenfamily',
            name='auth_hash',
            field=models.CharField(default='', max_length=64, verbose_name='sign-in hash'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='tokenfamily',
            name='expires_at',
            field=models.DateTimeField(db_index=True, null=True, verbose_name='expires at'),
        ),
        migrations.CreateModel(
            name='EmailChange',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False, verbose_name='id')),
                ('old_email', models.EmailField(blank=True, max_length=254, verbose_name='old address')),
                ('new_email', models.EmailField(max_length=254, verbose_name='new address')),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True, verbose_name='created at')),
                ('confirmed_at', models.DateTimeField(db_index=True, null=True, verbose_name='confirmed at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='email_changes', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'change of address',
                'verbose_name_plural': 'changes of address',
                'constraints': [models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', True)), fields=('user',), name='accounts_emailchange_one_wish')],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'session',
                'verbose_name_plural': 'sessions',
                'abstract': False,
            },
        ),
    ]
