"""What our agents have made, kept before anybody is told of it: a crash loses no work."""

from market.cases import CaseKey
from market.hashing import Hash
from market.messages import Blob
from node.database import Database

__all__ = ["Results"]


class Results:
    """The table ``result``; the bytes themselves are blobs."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def load(self, case: CaseKey, milestone: int) -> Blob | None:
        """Return what was made of a milestone."""
        name = (case.id, case.whose, milestone)
        row = await self._db.run(
            lambda db: db.execute(
                "SELECT hash, size, media_type FROM result"
                " WHERE task_id = ? AND whose = ? AND milestone = ?",
                name,
            ).fetchone()
        )
        return None if row is None else Blob(hash=Hash(row[0]), size=row[1], media_type=row[2])

    async def save(self, case: CaseKey, milestone: int, result: Blob) -> None:
        """Keep what was made of a milestone; the first stays, since its receipt may be out.

        Raises:
            DatabaseError: the disk has failed or is full.
        """
        values = (case.id, case.whose, milestone, result.hash, result.size, result.media_type)
        await self._db.run(
            lambda db: db.execute("INSERT OR IGNORE INTO result VALUES (?, ?, ?, ?, ?, ?)", values)
        )
