"""A database as earlier releases left it."""

from __future__ import annotations

from prelabel.storage.database import Database

_COLUMNS = {
    "0011": ("projects.texts", "projects.texts_due"),
    "0012": ("projects.fetch_due_at",),
    "0013": ("projects.sync_refusals",),
    "0015": ("projects.sync_again_at",),
    "0016": ("fetched_texts.tried_at",),
    "0017": ("projects.settings_left_out",),
}
"""What each migration has added."""


def go_back(database: Database, number: str) -> None:
    """Bring the tables to the form they had after a migration, the tenth or a later one."""
    later = [name for since, names in _COLUMNS.items() if since > number for name in names]
    with database.write() as connection:
        for name in later:
            table, _, column = name.partition(".")
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (number,))
