"""The steps of group purchases: a row each, beside the commitment of its document."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0006_corrections")]

    operations = [
        migrations.CreateModel(
            name="PurchaseEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("purchase", models.CharField(max_length=40)),
                ("step", models.CharField(max_length=12)),
                ("word", models.CharField(blank=True, max_length=40)),
                ("made_at", models.DateTimeField()),
                (
                    "commitment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchase_entry",
                        to="records.commitment",
                    ),
                ),
                (
                    "member",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchase_entries",
                        to="records.member",
                    ),
                ),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="purchase_entries",
                        to="records.organisation",
                    ),
                ),
            ],
            options={
                "ordering": ("id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organisation", "purchase", "step", "word"), name="purchase_step_once"
                    )
                ],
            },
        ),
    ]
