"""The table of the openings of test splits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table.

    It has no foreign key, so that deleting a study leaves its openings.
    """
    op.create_table(
        "tuner_test_openings",
        sa.Column("opening_id", sa.String(32), primary_key=True),
        sa.Column("study_name", sa.String(512), nullable=False),
        sa.Column("data_fingerprint", sa.String(64), nullable=False),
        sa.Column("trial_number", sa.Integer, nullable=True),
        sa.Column("configuration", sa.String(64), nullable=False),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("scores", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
    )
    op.create_index("ix_tuner_test_openings_study_name", "tuner_test_openings", ["study_name"])


def downgrade() -> None:
    """Drops the table and what it holds."""
    op.drop_table("tuner_test_openings")
