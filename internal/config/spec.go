package config

import (
	"slices"

	"github.com/penstock-data/penstock/operators/parquet"
	"github.com/penstock-data/penstock/operators/sql"
)

// field is a key that a mapping may have.
type field struct {
	name string
	// typ is what its value is: text, texts (one or a list), list, bool, number, value
	// (any scalar), map (of texts), values (a list of scalars), or object.
	typ      string
	doc      string
	required bool
	choices  []string
	object   *object // of typ object, or what the values of a typ map of objects are
}

// object is a kind of mapping.
type object struct {
	name   string
	doc    string
	fields []field
	// choice lists fields of which exactly one must be there.
	choice []string
}

func (o *object) names() []string {
	var names []string
	for _, f := range o.fields {
		names = append(names, f.name)
	}
	return names
}

// formats are the keys that name a file format.
var formats = []string{"parquet", "csv", "jsonl", "ipc"}

// wholeText names a dataset without partitions, and businessDays a calendar.
const wholeText, businessDays = "whole", "business_days"

var granularities = []string{"hour", "day", "week", "month", "key"}

var calendarObject = &object{name: "calendar", doc: "Which windows ought to exist, one of:", choice: []string{"weekdays", "list", "file"}, fields: []field{
	{name: "weekdays", typ: "texts", doc: "Days of the week: `[monday, thursday]`. Of partitions by day or hour."},
	{name: "list", typ: "values", doc: "The partitions themselves."},
	{name: "file", typ: "text", doc: "A text file with a partition a line; what is behind a `#` is for people. Its path begins at the root of the project."},
}}

// windowFields say how windows of time are cut.
var windowFields = []field{
	{name: "timezone", typ: "text", doc: "The time zone by whose clocks windows begin and end, like Europe/Berlin; UTC if left out. A day has 23 or 25 hours where clocks are changed. An hour that they show twice is `2026-10-25T02` first, and then `2026-10-25T02b`; one that they skip does not exist."},
	{name: "calendar", typ: "calendar", doc: "Which windows ought to exist: business_days, Monday to Friday, or a [calendar](#calendar); all if left out. Others are refused, a range leaves them out, and `last` and `offset` step over them."},
	{name: "holidays", typ: "values", doc: "Days that are on no calendar of days of the week: `[2026-12-25]`."},
}

var partitionsObject = &object{name: "partitions", doc: "How datasets are cut into partitions.", fields: slices.Concat([]field{
	{name: "by", typ: "text", required: true, choices: granularities, doc: "The granularity: windows of time, or named keys."},
}, windowFields, []field{
	{name: "from", typ: "value", doc: "The first partition that ought to exist, like 2001-01."},
	{name: "to", typ: "value", doc: "The last one, included."},
	{name: "keys", typ: "values", doc: "The names of the partitions, with `by: key`."},
	{name: "lookback", typ: "number", doc: "How many of the newest partitions late data open again: files that changed after they were read make those stale, and no older ones. All if left out."},
})}

var datasetPartitions = &object{name: "partitions", doc: "How a dataset is cut, where `by` does not say enough.", fields: slices.Concat([]field{
	{name: "by", typ: "text", required: true, choices: append(granularities, wholeText), doc: "The granularity."},
}, windowFields)}

// reachFields say which published partitions are read.
var reachFields = []field{
	{name: "last", typ: "number", doc: "How many partitions are read, in a row: `last: 7` ends at that of the run. 1 if left out."},
	{name: "offset", typ: "number", doc: "Where the window ends: 0, at the partition of the run, if left out; -1 the one before."},
	{name: "missing", typ: "text", choices: []string{"fail", "skip"}, doc: "What to do if one of them is not published: fail (the default), or skip it; the run's record says which were missing."},
}

var pastObject = &object{name: "past", doc: "Where a stage reads the past of a stage of the same pipeline: `from: {clean: {last: 7}}` is the partition of the run, " +
	"as `clean` makes it now, after the six before, as they are published; in SQL it is called `clean`. A stage reads its own past with an offset: " +
	"`from: {clean: clean, before: {stage: totals, offset: -1, missing: skip, schema: {total: int64}}}` in `totals`. A backfill runs the earlier ones first.", fields: slices.Concat([]field{
	{name: "stage", typ: "text", doc: "The stage, which has an output; what stands before the colon if left out."},
}, reachFields, []field{
	{name: "drift", typ: "text", choices: []string{"fail", "evolve"}, doc: "As of a source."},
	{name: "schema", typ: "map", doc: "The columns of the stage, and their types: what it is where nothing is published yet."},
})}

// sourceFields are of some sources only.
var sourceFields = map[string][]string{
	"partition_by": formats, "schema": {"csv", "jsonl", "dataset"}, "delimiter": {"csv"}, "header": {"csv"}, "null": {"csv"}, "lines": {"csv", "jsonl"},
	"by": {"dataset"}, "partitions": {"dataset"}, "map": {"dataset"}, "last": {"dataset"}, "offset": {"dataset"}, "missing": {"dataset"},
}

var linesObject = &object{name: "lines", doc: "Which lines of csv and jsonl files a source reads. So a trailer is checked: beside " +
	"`payments: {csv: p.csv, lines: {except: '^TRL'}}` stands `trailer: {csv: p.csv, header: false, lines: {only: '^TRL'}, schema: {kind: string, rows: int64}}`, " +
	"and a gate says `expect: rows() == sum(\"trailer\", rows)`. A control file is a source of its own.", fields: []field{
	{name: "except", typ: "text", doc: "A regular expression (RE2), as in `'^TRL'`: lines in which it is found are left out. It is looked for in the line as it is in the file, without its end; a csv row of several lines goes by its first, and a header is always read."},
	{name: "only", typ: "text", doc: "A regular expression: only lines in which it is found are read."},
}}

var columnObject = &object{name: "column", doc: "What is said of a column, for [lineage](../columns.md).", fields: []field{
	{name: "tags", typ: "texts", doc: "Tags of the column, like `[pii]`. They go along with its values, to every column that is a copy of it or computed from it, in other datasets too."},
	{name: "untag", typ: "map", doc: "Tags that came along and that the column has not, each with the reason: `untag: {pii: a keyed hash}`. The manifest keeps the reason."},
}}

var sourceObject = &object{name: "source", doc: "Files to read, in exactly one format; or a dataset: what a stage of another pipeline publishes, " +
	"read as it is current when a run begins. `{dataset: warehouse/clean}` is its partition of the run; `{dataset: warehouse/clean, last: 7}` the seven that end there, the oldest first; " +
	"`{dataset: warehouse/clean, by: day, map: within}`, in a pipeline by month, all days of the month.", choice: append(formats, "dataset"), fields: slices.Concat([]field{
	{name: "parquet", typ: "texts", doc: "Parquet files: paths, globs, templates with {partition}, {partition:2006-01}, {year}, {month}, {day}, {hour}."},
	{name: "csv", typ: "texts", doc: "CSV files with a header; .gz and .zst are unpacked."},
	{name: "jsonl", typ: "texts", doc: "Files with a JSON object a line; .gz and .zst are unpacked."},
	{name: "ipc", typ: "texts", doc: "Arrow IPC files or streams."},
	{name: "partition_by", typ: "text", doc: "A date or timestamp column (or a text column, with `by: key`): only rows of the partition are read."},
	{name: "drift", typ: "text", choices: []string{"fail", "evolve"}, doc: "What to do when files have different schemas: fail (the default), or evolve to the columns of all."},
	{name: "schema", typ: "map", doc: "Columns and their types, for csv and jsonl; inferred if left out. Of a dataset: the columns that it has, also where nothing of it is published yet."},
	{name: "delimiter", typ: "text", doc: "What separates the fields of a csv file; a comma if left out."},
	{name: "header", typ: "bool", doc: "Whether the first line of a csv file names the columns; true if left out."},
	{name: "null", typ: "values", doc: "Texts that stand for null in a csv file, besides the empty one."},
	{name: "lines", typ: "object", object: linesObject, doc: "Which lines of csv and jsonl files are read: all if left out. With it one source leaves out the trailer of a file, and another reads nothing else."},
	{name: "columns", typ: "objects", object: columnObject, doc: "What is said of columns, by their names: `{email: {tags: [pii]}}`; of any of them."},
	{name: "dataset", typ: "text", doc: "The directory of a dataset that a stage publishes."},
	{name: "by", typ: "text", choices: append(granularities, wholeText), doc: "How the dataset is cut, if not as this pipeline; whole: not at all."},
	{name: "partitions", typ: "object", object: datasetPartitions, doc: "The same with a time zone, if it is not that of this pipeline, and a calendar."},
	{name: "map", typ: "text", choices: []string{"within", "whole"}, doc: "Which partitions of a dataset that is cut otherwise are read: within, all that lie in the one of the run (the days of a month); whole, the one that it lies in (the month of a day)."},
}, reachFields)}

var outputObject = &object{name: "output", doc: "Where a stage's rows are published; exactly one format.", choice: formats, fields: []field{
	{name: "parquet", typ: "text", doc: "The dataset's directory."},
	{name: "csv", typ: "text", doc: "The dataset's directory."},
	{name: "jsonl", typ: "text", doc: "The dataset's directory."},
	{name: "ipc", typ: "text", doc: "The dataset's directory."},
	{name: "publish", typ: "text", choices: []string{"always"}, doc: "With `always` it is a record of what was found: also where a rule blocks the run it is published, if that is a rule of a stage that it is not made of. Its own rules, and those of what it is made of, hold it back as ever. What it is made of must be published always too, where it has an output. The run is blocked all the same, and holds its other outputs."},
	{name: "compression", typ: "text", choices: parquet.Compressions(), doc: "Of parquet; if left out, zstd, but for columns that don't get smaller by it."},
	{name: "sorted_by", typ: "texts", doc: "Of parquet: the columns by which the rows are in order, nulls last, `-` before one that descends. It is noted in the files for their readers; sort the rows yourself."},
	{name: "bloom", typ: "texts", doc: "Of parquet: the columns that get a Bloom filter, for readers who look for single values."},
}}

var datasetsObject = &object{name: "datasets", doc: "Where the parts of what a stage reconciles are published: exactly one format.", choice: formats, fields: outputObject.fields}

var stageObject = &object{name: "stage", doc: "A chain of operators, gates on what leaves it, and perhaps an output.", fields: []field{
	{name: "description", typ: "text", doc: "For people."},
	{name: "owner", typ: "text", doc: "For people."},
	{name: "tags", typ: "texts", doc: "For selection."},
	{name: "from", typ: "from", required: true, doc: "The sources or stages it reads: a name, a list of names, or a mapping of the name used in SQL to the name. In place of a name stands a mapping, where the [past](#past) of a stage is read: `{clean: {last: 7}}`."},
	{name: "operators", typ: "operators", doc: "Applied in order; the first takes all inputs."},
	{name: "columns", typ: "objects", object: columnObject, doc: "What is said of columns that leave the last operator, by their names: `{email_hash: {untag: {pii: a keyed hash}}}`; of any of them."},
	{name: "key", typ: "texts", doc: "The columns that name a row in messages; those of the first `unique` rule if left out."},
	{name: "gates", typ: "gates", doc: "Rules that what leaves the last operator must keep."},
	{name: "output", typ: "object", object: outputObject, doc: "Where it is published; left out, the stage only feeds others."},
	{name: "datasets", typ: "object", object: datasetsObject, doc: "Of a stage that reconciles, where the parts of the result are published, each by a stage of its own: `compare` with `datasets: {parquet: warehouse/compare}` has the stages compare_matched, compare_only_left, compare_only_right, compare_different and compare_summary, with outputs like warehouse/compare/matched. Fields as of an [output](#output)."},
	{name: "lineage", typ: "text", choices: []string{"rows"}, doc: "With `rows` it is recorded beside the output of each row which rows of the inputs it came from, for `penstock trace`."},
}}

var pipelineObject = &object{name: "pipeline", doc: "A pipeline file.", fields: []field{
	{name: "name", typ: "text", required: true, doc: "Letters, digits, _ and -."},
	{name: "description", typ: "text", doc: "For people."},
	{name: "partitions", typ: "object", object: partitionsObject, doc: "Left out, every dataset is one partition."},
	{name: "params", typ: "map", doc: "Values used as ${name} in any text below; `--param name=value` overrides one. ${env:NAME} is a variable of the environment."},
	{name: "sources", typ: "objects", object: sourceObject, required: true, doc: "Inputs by name."},
	{name: "stages", typ: "objects", object: stageObject, required: true, doc: "Stages by name, in any order."},
	{name: "night", typ: "object", object: nightObject, doc: "What is reported of a reconciliation after each run, and who is told."},
}}

// ruleFields are those that any rule may have beside its check.
var ruleFields = []field{
	{name: "name", typ: "text", doc: "The rule's stable id; made from the check if left out. `conservation` is taken: so is called the count of its rows that every stage has."},
	{name: "severity", typ: "text", choices: []string{"block", "warn"}, doc: "What a rule that does not hold does; block if left out."},
	{name: "at_most", typ: "tolerance", doc: "How many rows may fail: a number, or a share of the rows tested, like 1%; or a mapping of `warn` and `block`, each of them that."},
	{name: "by", typ: "texts", doc: "Columns: the rule is judged for each group of rows that are equal in them, and must hold for each."},
	{name: "else", typ: "text", choices: []string{"quarantine"}, doc: "quarantine puts failing rows aside and lets the others go on."},
	{name: "where", typ: "text", doc: "CEL: only rows for which it is true are judged."},
	{name: "nulls", typ: "text", choices: []string{"ignore", "fail"}, doc: "What a null outcome is; ignored if left out."},
	{name: "on_short_history", typ: "text", choices: []string{"warn", "block"}, doc: "What a rule does that asks for more past partitions than were published: warn, if left out, so that the first of them can be published; or block. Its verdict is insufficient_history."},
	{name: "on_empty", typ: "text", choices: []string{"pass", "fail", "skip"}, doc: "What the rule is if there is no row to judge."},
	{name: "tests", typ: "object", object: testsObject, doc: "Made-up rows on which the rule has to pass, or to fail; `penstock gate test` tries them."},
	{name: "description", typ: "text", doc: "For people."},
	{name: "owner", typ: "text", doc: "For people."},
	{name: "tags", typ: "texts", doc: "For selection."},
}

var breaksObject = &object{name: "breaks", fields: []field{
	{name: "keep", typ: "number", doc: "For how many partitions after the one in which it cleared a break stays in the ledger, so that it opens again with its history; 90 if left out."},
	{name: "dataset", typ: "text", doc: "What is reconciled; the name of the stage that it reads, if left out. It is a part of what a break is: under another name all are new."},
}}

// operatorSpecs are the operators, each a mapping of its name to its arguments.
var operatorSpecs = []field{
	{name: "filter", typ: "text", doc: "Filter(t, predicate) → t. Keeps the rows for which a CEL predicate is true."},
	{name: "derive", typ: "derive", doc: "Derive(t, columns) → t + columns. Adds columns by CEL: `{late: delay > 15}`, or `{late: {expr: delay > 15, type: bool}}`."},
	{name: "select", typ: "texts", doc: "Select(t, names) → t of these columns."},
	{name: "drop", typ: "texts", doc: "Drop(t, names) → t without these columns."},
	{name: "rename", typ: "map", doc: "Rename(t, old → new) → t."},
	{name: "cast", typ: "map", doc: "Cast(t, column → type) → t. Without loss; a value that does not fit ends the run."},
	{name: "fill_null", typ: "map of values", doc: "FillNull(t, column → value) → t without nulls in these columns."},
	{name: "limit", typ: "number", doc: "Limit(t, n) → t of at most n rows."},
	{name: "sample", typ: "object", object: &object{name: "sample", fields: []field{
		{name: "share", typ: "number", required: true, doc: "From 0 to 1."},
		{name: "seed", typ: "number", doc: "Another seed, other rows."},
	}}, doc: "Sample(t, share) → t of about this share of the rows."},
	{name: "union", typ: "nothing", doc: "Union(t, t, …) → t. The rows of all inputs, one after the other."},
	{name: "dedupe", typ: "object", object: &object{name: "dedupe", fields: []field{
		{name: "keys", typ: "texts", doc: "The columns in which duplicates are equal; all if left out."},
		{name: "keep", typ: "text", choices: []string{"first", "last"}, doc: "Which row stays; the first if left out."},
		{name: "order_by", typ: "sort", doc: "What first and last mean; the order of the rows if left out."},
	}}, doc: "Dedupe(t, options) → t without duplicates."},
	{name: "sort", typ: "sort", doc: "Sort(t, keys) → t in order: `[date, -delay]`, or `{column: date, desc: true, nulls_first: true}`."},
	{name: "join", typ: "object", object: &object{name: "join", fields: []field{
		{name: "on", typ: "texts", required: true, doc: "Columns that must be equal: `iata`, or `origin = iata`, left and right."},
		{name: "kind", typ: "text", choices: []string{"inner", "left", "full", "semi", "anti"}, doc: "inner if left out."},
		{name: "suffix", typ: "text", doc: "Added to names of the right that the left has too; _right if left out."},
	}}, doc: "Join(left, right, options) → left columns + right columns."},
	{name: "aggregate", typ: "object", object: &object{name: "aggregate", fields: []field{
		{name: "by", typ: "texts", doc: "Columns to group by; left out, all rows are one group."},
		{name: "columns", typ: "map", required: true, doc: "The result's columns: `{flights: count(), mean_delay: mean(delay)}`."},
	}}, doc: "Aggregate(t, by, columns) → by + columns, a row a group. Functions: " + functions()},
	{name: "reconcile", typ: "object", object: reconcileObject, doc: "Reconcile(left, right, options) → outcomes. Compares two sides: what matches, what is on one side alone, and what differs, with the cause; see [its guide](../reconcile.md)."},
	{name: "breaks", typ: "object", object: breaksObject, doc: "Ledger(breaks, before, decisions, options) → a row a break. Follows what `reconcile` gives from partition to partition: " +
		"what opens, stays, changes, clears and opens again. The ledger of the partition before, and what was decided by `penstock breaks`, it reads by itself. It is the first operator of a stage with an output, " +
		"of a pipeline with partitions by hour, day, week or month: `breaks: {}`."},
	{name: "sql", typ: "text", doc: "Query(t, …, text) → the result of one SELECT over the inputs, by DuckDB."},
}

func functions() string {
	text := ""
	for i, f := range sql.AggregateFuncs() {
		if i > 0 {
			text += ", "
		}
		text += f
	}
	return text + "."
}
