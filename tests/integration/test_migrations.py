"""The migrations make what the models say: a model changed without its migration fails here, not at an upgrade."""

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState


def _missing():
    """What Django would write a migration for, by app of the product."""
    written = MigrationLoader(None)
    changes = MigrationAutodetector(written.project_state(), ProjectState.from_apps(apps)).changes(graph=written.graph)
    own = {app.label for app in apps.get_app_configs() if app.name.startswith("ogniwo.")}
    assert "records" in own
    return {
        label: [operation.describe() for migration in found for operation in migration.operations]
        for label, found in changes.items()
        if label in own
    }


def test_no_model_has_changed_without_a_migration():
    assert _missing() == {}


def test_a_changed_model_would_be_seen(monkeypatch):
    field = apps.get_model("records", "TokenAssessment")._meta.get_field("about")
    monkeypatch.setattr(field, "max_length", 65)
    assert _missing() == {"records": ["Alter field about on tokenassessment"]}
