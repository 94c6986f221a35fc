"""The table of curves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "tuner_curves",
        sa.Column(
            "trial_id",
            sa.Integer,
            sa.ForeignKey("trials.trial_id", ondelete="CASCADE"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("names", sa.Text, nullable=False),
        sa.Column("epochs", sa.Integer, nullable=False),
        sa.Column("packed", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        # SQLite heeds foreign keys only in programs that ask for it, and Optuna's do not; it
        # gives the identifiers of deleted trials to new ones.
        op.execute(
            "CREATE TRIGGER tuner_curves_of_deleted_trials AFTER DELETE ON trials "
            "BEGIN DELETE FROM tuner_curves WHERE trial_id = OLD.trial_id; END"
        )


def downgrade() -> None:
    """Drops the table and what it holds."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER tuner_curves_of_deleted_trials")
    op.drop_table("tuner_curves")
