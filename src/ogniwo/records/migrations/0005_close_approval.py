"""A second person's approval of a settlement: one row per run, never changed."""

import django.db.models.deletion
from django.db import migrations, models

from ogniwo.records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("records", "0004_ledger_reads")]

    operations = [
        migrations.CreateModel(
            name="CloseApproval",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("inputs_digest", models.CharField(max_length=64)),
                ("prepared_by", models.CharField(max_length=150)),
                ("approved_by", models.CharField(max_length=150)),
                ("approved_at", models.DateTimeField()),
                (
                    "run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="records.settlementrun",
                    ),
                ),
            ],
            options={
                "ordering": ("approved_at", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("approved_by", models.F("prepared_by")), _negated=True),
                        name="approved_by_a_second_person",
                    )
                ],
            },
        ),
        append_only("records_closeapproval"),
    ]
