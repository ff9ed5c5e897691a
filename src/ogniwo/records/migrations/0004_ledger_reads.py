"""Privileged reads of the ledger, in a table that the database keeps from being changed."""

from django.db import migrations, models

from ogniwo.records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("records", "0003_econtracts")]
    operations = [
        migrations.CreateModel(
            name="LedgerRead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField()),
                ("account", models.CharField(max_length=200)),
                ("path", models.CharField(max_length=2000)),
                ("scope", models.CharField(max_length=12)),
                ("reason", models.CharField(blank=True, max_length=64)),
            ],
            options={"ordering": ("at", "id")},
        ),
        append_only("records_ledgerread"),
    ]
