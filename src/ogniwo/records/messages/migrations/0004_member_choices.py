"""What members choose: consents that are never changed, the language of documents."""

import django.db.models.deletion
from django.db import migrations, models

from ogniwo.records.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("member_messages", "0003_reading_photo"),
        ("records", "0005_close_approval"),
    ]

    operations = [
        migrations.CreateModel(
            name="DocumentLanguage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(choices=[("pl", "pl"), ("en", "en")], max_length=2)),
                (
                    "member",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="document_language",
                        to="records.member",
                    ),
                ),
            ],
            options={
                "ordering": ("member",),
            },
        ),
        migrations.CreateModel(
            name="Consent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("version", models.PositiveSmallIntegerField()),
                ("text", models.TextField(max_length=1000)),
                ("given", models.BooleanField()),
                ("by", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
                (
                    "member",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="records.member"
                    ),
                ),
            ],
            options={
                "ordering": ("at", "id"),
                "indexes": [models.Index(fields=["member", "kind", "id"], name="consent_of_member")],
            },
        ),
        append_only("member_messages_consent"),
    ]
