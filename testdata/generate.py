"""Cuts the test data out of the full flights file.

Usage: python3 generate.py flights-3m.parquet     (needs the package duckdb)

Kept are every tenth flight, and every flight that is flawed: delays under -60 or
over 720 minutes, both rows of each duplicate, and the whole of July, of which
there are six rows. So every flaw of the full file stands here as it does there.
"""

import pathlib
import sys

import duckdb

source, here = sys.argv[1], pathlib.Path(__file__).parent
db = duckdb.connect()
db.execute("SET threads = 1")
db.execute("CREATE TABLE f AS SELECT row_number() OVER () AS n, * FROM read_parquet(?)", [source])
db.execute("""
    CREATE TABLE cut AS
    WITH twice AS (
        SELECT date, delay, distance, origin, destination FROM f GROUP BY ALL HAVING count(*) > 1)
    SELECT f.*, twice.date IS NOT NULL AS duplicated
    FROM f LEFT JOIN twice USING (date, delay, distance, origin, destination)
    WHERE n % 10 = 0 OR delay < -60 OR delay > 720 OR date >= '2001-07-01' OR twice.date IS NOT NULL""")

(here / "flights").mkdir(exist_ok=True)
lines = ["| month | rows | delay under -60 | delay over 720 | in duplicate pairs |", "|---|---|---|---|---|"]
for (month,) in db.execute("SELECT DISTINCT strftime(date, '%Y-%m') FROM cut ORDER BY ALL").fetchall():
    db.execute(f"""
        COPY (SELECT date, delay, distance, origin, destination FROM cut
              WHERE strftime(date, '%Y-%m') = '{month}' ORDER BY n)
        TO '{here}/flights/{month}.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)""")
    row = db.execute(f"""
        SELECT strftime(date, '%Y-%m'), count(*), count(*) FILTER (WHERE delay < -60),
               count(*) FILTER (WHERE delay > 720), count(*) FILTER (WHERE duplicated)
        FROM cut WHERE strftime(date, '%Y-%m') = '{month}' GROUP BY 1""").fetchone()
    lines.append("| " + " | ".join(f"{v:,}" if isinstance(v, int) else v for v in row) + " |")

readme = here / "README.md"
head = readme.read_text().split("| month |")[0] if readme.exists() else ""
readme.write_text(head + "\n".join(lines) + "\n")
