"""Whether what a member used stays with him when corrected readings leave less: existing rules share anew, as before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0005_close_approval")]

    operations = [
        migrations.AddField(
            model_name="communityrules",
            name="corrections",
            field=models.CharField(default="reallocate", max_length=12),
        ),
    ]
