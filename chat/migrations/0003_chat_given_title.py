from django.db import migrations, models


class Migration(migrations.Migration):
    """The column stays as it is, and may be empty."""

    dependencies = [
        ("chat", "0002_message_html"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameField("chat", "title", "given_title"),
                migrations.AlterField(
                    "chat",
                    "given_title",
                    models.CharField(
                        blank=True, db_column="title", max_length=120, verbose_name="title"
                    ),
                ),
            ]
        ),
    ]
