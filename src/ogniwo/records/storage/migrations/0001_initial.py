"""Storages and the accounts of their months; neither is ever changed, only added to."""

import django.db.models.deletion
from django.db import migrations, models

from ogniwo.records.append_only import append_only


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("records", "0005_close_approval"),
    ]

    operations = [
        migrations.CreateModel(
            name="StorageDeclaration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("valid_from", models.DateField()),
                ("storing", models.BooleanField()),
                ("efficiency_permille", models.PositiveSmallIntegerField()),
                ("capacity_wh", models.BigIntegerField(default=0)),
                ("declared_at", models.DateTimeField()),
                ("declared_by", models.CharField(max_length=150)),
                (
                    "point",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="storage_declarations",
                        to="records.meteringpoint",
                    ),
                ),
            ],
            options={
                "ordering": ("point__code", "valid_from", "id"),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("efficiency_permille__gte", 1), ("efficiency_permille__lte", 1000)),
                        name="storage_efficiency",
                    ),
                    models.CheckConstraint(condition=models.Q(("capacity_wh__gte", 0)), name="storage_capacity"),
                ],
            },
        ),
        migrations.CreateModel(
            name="StorageMonth",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.CharField(max_length=7)),
                ("version", models.PositiveIntegerField()),
                ("made_at", models.DateTimeField()),
                ("inputs_digest", models.CharField(max_length=64)),
                ("document", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("state", models.JSONField()),
                ("findings", models.JSONField()),
                (
                    "before",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="after",
                        to="storages.storagemonth",
                    ),
                ),
                (
                    "community",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="storage_months",
                        to="records.organisation",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="storage_months",
                        to="records.settlementrun",
                    ),
                ),
            ],
            options={
                "ordering": ("community", "month", "version"),
                "constraints": [
                    models.UniqueConstraint(fields=("community", "month", "version"), name="storage_month_once")
                ],
            },
        ),
        append_only("storages_storagedeclaration", "storages_storagemonth"),
    ]
