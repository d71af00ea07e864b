import intellispark.accounts.names
from django.db import migrations, models


class Migration(migrations.Migration):
    """Going back leaves sessions where they are: everybody signs in anew."""

    dependencies = [
        ('accounts', '0003_fill_credentials_sessions_and_addresses'),
    ]

    operations = [
        migrations.AlterField(
            model_name='user',
            name='name_key',
            field=intellispark.accounts.names.NameKeyField(editable=False, max_length=600, unique=True, verbose_name='look of the name'),
        ),
        migrations.AlterField(
            model_name='tokenfamily',
            name='expires_at',
            field=models.DateTimeField(db_index=True, verbose_name='expires at'),
        ),
        migrations.RunSQL('DROP TABLE IF EXISTS django_session', migrations.RunSQL.noop),
    ]
