"""Assessments of findings on payment tokens, in a table that the database keeps from being changed."""

import django.db.models.deletion
from django.db import migrations, models

from ogniwo.records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("records", "0007_group_purchases")]
    operations = [
        migrations.CreateModel(
            name="TokenAssessment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("about", models.CharField(max_length=64)),
                ("findings", models.JSONField()),
                (
                    "decision",
                    models.CharField(
                        choices=[("explained", "explained"), ("measures", "measures"), ("reported", "reported")],
                        max_length=9,
                    ),
                ),
                ("note", models.TextField()),
                ("reference", models.TextField(blank=True)),
                ("decided_by", models.TextField()),
                ("decided_at", models.DateTimeField()),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="token_assessments",
                        to="records.organisation",
                    ),
                ),
            ],
            options={"ordering": ("decided_at", "id")},
        ),
        append_only("records_tokenassessment"),
    ]
