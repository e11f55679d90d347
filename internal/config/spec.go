package config

import (
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

var partitionsObject = &object{name: "partitions", doc: "How datasets are cut into partitions.", fields: []field{
	{name: "by", typ: "text", required: true, choices: []string{"hour", "day", "week", "month", "key"}, doc: "The granularity: windows of time, in UTC, or named keys."},
	{name: "from", typ: "value", doc: "The first partition that ought to exist, like 2001-01."},
	{name: "to", typ: "value", doc: "The last one, included."},
	{name: "keys", typ: "values", doc: "The names of the partitions, with `by: key`."},
}}

var linesObject = &object{name: "lines", doc: "Which lines of csv and jsonl files a source reads. So a trailer is checked: beside " +
	"`payments: {csv: p.csv, lines: {except: '^TRL'}}` stands `trailer: {csv: p.csv, header: false, lines: {only: '^TRL'}, schema: {kind: string, rows: int64}}`, " +
	"and a gate says `expect: rows() == sum(\"trailer\", rows)`. A control file is a source of its own.", fields: []field{
	{name: "except", typ: "text", doc: "A regular expression (RE2), as in `'^TRL'`: lines in which it is found are left out. It is looked for in the line as it is in the file, without its end; a csv row of several lines goes by its first, and a header is always read."},
	{name: "only", typ: "text", doc: "A regular expression: only lines in which it is found are read."},
}}

var sourceObject = &object{name: "source", doc: "Files to read; exactly one format.", choice: formats, fields: []field{
	{name: "parquet", typ: "texts", doc: "Parquet files: paths, globs, templates with {partition}, {partition:2006-01}, {year}, {month}, {day}, {hour}."},
	{name: "csv", typ: "texts", doc: "CSV files with a header; .gz and .zst are unpacked."},
	{name: "jsonl", typ: "texts", doc: "Files with a JSON object a line; .gz and .zst are unpacked."},
	{name: "ipc", typ: "texts", doc: "Arrow IPC files or streams."},
	{name: "partition_by", typ: "text", doc: "A date or timestamp column (or a text column, with `by: key`): only rows of the partition are read."},
	{name: "drift", typ: "text", choices: []string{"fail", "evolve"}, doc: "What to do when files have different schemas: fail (the default), or evolve to the columns of all."},
	{name: "schema", typ: "map", doc: "Columns and their types, for csv and jsonl; inferred if left out."},
	{name: "delimiter", typ: "text", doc: "What separates the fields of a csv file; a comma if left out."},
	{name: "header", typ: "bool", doc: "Whether the first line of a csv file names the columns; true if left out."},
	{name: "null", typ: "values", doc: "Texts that stand for null in a csv file, besides the empty one."},
	{name: "lines", typ: "object", object: linesObject, doc: "Which lines of csv and jsonl files are read: all if left out. With it one source leaves out the trailer of a file, and another reads nothing else."},
}}

var outputObject = &object{name: "output", doc: "Where a stage's rows are published; exactly one format.", choice: formats, fields: []field{
	{name: "parquet", typ: "text", doc: "The dataset's directory."},
	{name: "csv", typ: "text", doc: "The dataset's directory."},
	{name: "jsonl", typ: "text", doc: "The dataset's directory."},
	{name: "ipc", typ: "text", doc: "The dataset's directory."},
	{name: "compression", typ: "text", choices: parquet.Compressions(), doc: "Of parquet; if left out, zstd, but for columns that don't get smaller by it."},
	{name: "sorted_by", typ: "texts", doc: "Of parquet: the columns by which the rows are in order, nulls last, `-` before one that descends. It is noted in the files for their readers; sort the rows yourself."},
	{name: "bloom", typ: "texts", doc: "Of parquet: the columns that get a Bloom filter, for readers who look for single values."},
}}

var stageObject = &object{name: "stage", doc: "A chain of operators, gates on what leaves it, and perhaps an output.", fields: []field{
	{name: "description", typ: "text", doc: "For people."},
	{name: "owner", typ: "text", doc: "For people."},
	{name: "tags", typ: "texts", doc: "For selection."},
	{name: "from", typ: "from", required: true, doc: "The sources or stages it reads: a name, a list of names, or a mapping of the name used in SQL to the name."},
	{name: "operators", typ: "operators", doc: "Applied in order; the first takes all inputs."},
	{name: "key", typ: "texts", doc: "The columns that name a row in messages; those of the first `unique` rule if left out."},
	{name: "gates", typ: "gates", doc: "Rules that what leaves the last operator must keep."},
	{name: "output", typ: "object", object: outputObject, doc: "Where it is published; left out, the stage only feeds others."},
}}

var pipelineObject = &object{name: "pipeline", doc: "A pipeline file.", fields: []field{
	{name: "name", typ: "text", required: true, doc: "Letters, digits, _ and -."},
	{name: "description", typ: "text", doc: "For people."},
	{name: "partitions", typ: "object", object: partitionsObject, doc: "Left out, every dataset is one partition."},
	{name: "params", typ: "map", doc: "Values used as ${name} in any text below; `--param name=value` overrides one. ${env:NAME} is a variable of the environment."},
	{name: "sources", typ: "objects", object: sourceObject, required: true, doc: "Inputs by name."},
	{name: "stages", typ: "objects", object: stageObject, required: true, doc: "Stages by name, in any order."},
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
