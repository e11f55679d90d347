package config

import (
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

var reportObject = &object{name: "report", doc: "Files of the night, by format: paths relative to the project, in which {partition} is filled in. " +
	"Directories are made; a file that is there is replaced in one step.", fields: []field{
	{name: "text", typ: "text", doc: "For a terminal, or a mail."},
	{name: "html", typ: "text", doc: "One page that needs nothing else."},
	{name: "json", typ: "text", doc: "The summary that is told: its fields stay, and `version` says which they are."},
	{name: "csv", typ: "text", doc: "A line for every break that is not cleared, or cleared this night."},
	{name: "xlsx", typ: "text", doc: "A workbook with a summary, the breaks and the trend."},
}}

var notifyObject = &object{name: "notify", doc: "Who is told of a night. If nobody could be, the run says so and ends with status 2; what was published stays. " +
	"A run that is tried again tells again: the summary has its id and partition.", fields: []field{
	{name: "command", typ: "texts", doc: "A command and its arguments, without a shell: `[./notify.sh, --all]`. It is run in the project's directory and reads the summary, as JSON. " +
		"PENSTOCK_NIGHT_STATUS, _PIPELINE, _PARTITION, _RUN, _ATTENTION (true or false), _NEW, _REOPENED, _OPEN, _ACCEPTED, _CLEARED and _DELTA are set; counts are empty where they are not known."},
	{name: "webhook", typ: "text", doc: "An address that the summary is posted to, as JSON; three times, if the server has trouble. No redirect is followed. Keep its secret part out of the file: `${env:NIGHT_HOOK}`."},
	{name: "when", typ: "text", choices: []string{"attention", "new", "always"}, doc: "attention, if left out: only of a night that a person must look at, for the run was blocked or failed, the totals do not add up, or the breaks are not known; new: also of one with breaks that are new or were reopened; always: of every night."},
	{name: "timeout", typ: "text", doc: "For the command, and for each time that the webhook is tried: like 30s, at most 10m; 10s if left out."},
}}

var nightObject = &object{name: "night", doc: "What is reported of a reconciliation after each run that was not stopped: one that was published, was blocked, or failed. Changing it makes nothing stale. " +
	"`penstock breaks report` makes the report of any night again.", fields: []field{
	{name: "compare", typ: "text", doc: "The stage with the operator `reconcile`; the one that the ledger is made of if left out."},
	{name: "ledger", typ: "text", required: true, doc: "The stage with the operator `breaks`, which has an output; with `publish: always`, so that it is published of a blocked night too."},
	{name: "aged_days", typ: "number", doc: "For more than how many days a break is open when it is listed as aged; 30 if left out."},
	{name: "report", typ: "object", object: reportObject, doc: "Which files are written."},
	{name: "notify", typ: "object", object: notifyObject, doc: "Who is told."},
}}

// night reads what is reported.
func (d *decoder) night(n *node) *pipeline.Night {
	t := &pipeline.Night{At: n.pos}
	if !d.object(n, nightObject) {
		return t
	}
	t.Compare, t.Ledger = d.text(n.get("compare"), "compare"), d.text(n.get("ledger"), "ledger")
	if a := n.get("aged_days"); a != nil {
		days := d.int(a, "aged_days", 0)
		if days < 1 || days > 36500 {
			d.fail(a.pos, "aged_days: expected 1 to 36500 days, found %s", describe(a))
		}
		t.AgedDays = int(days)
	}
	if r := n.get("report"); r != nil && d.object(r, reportObject) {
		t.Reports = map[string]string{}
		for _, f := range reportObject.fields {
			if to := r.get(f.name); to != nil {
				t.Reports[f.name] = d.text(to, f.name)
			}
		}
	}
	if o := n.get("notify"); o != nil && d.object(o, notifyObject) {
		t.Notify = d.notify(o)
	}
	return t
}

// nightStages finds stages that a night names and that have not the operator they are named for.
func (d *decoder) nightStages(night, stages *node) {
	if night.kind != mapping || stages == nil || stages.kind != mapping {
		return
	}
	for _, of := range [][2]string{{"compare", "reconcile"}, {"ledger", "breaks"}} {
		named := night.get(of[0])
		if named == nil || named.kind != scalar {
			continue
		}
		var have []string
		for i, key := range stages.keys {
			if hasOperator(stages.values[i], of[1]) {
				have = append(have, key.text)
			}
		}
		if stages.get(named.text) == nil || slices.Contains(have, named.text) { // one that is unknown is said elsewhere
			continue
		}
		d.fail(named.pos, "night: %s: stage %q has no operator %s; %s", of[0], named.text, of[1], those(have))
	}
}

func those(stages []string) string {
	if len(stages) == 0 {
		return "no stage has it"
	}
	return "those that have it: " + strings.Join(stages, ", ")
}

func hasOperator(stage *node, name string) bool {
	if stage.kind != mapping {
		return false
	}
	operators := stage.get("operators")
	return operators != nil && operators.kind == sequence && slices.ContainsFunc(operators.values, func(o *node) bool {
		return o.kind == mapping && o.get(name) != nil
	})
}

func (d *decoder) notify(n *node) *pipeline.Notify {
	t := &pipeline.Notify{
		Command: d.texts(n.get("command"), "command"), Webhook: pipeline.Address(d.text(n.get("webhook"), "webhook")),
		When: pipeline.When(d.oneOf(n.get("when"), fieldOf(notifyObject, "when"))),
	}
	if w := n.get("timeout"); w != nil {
		wait, err := time.ParseDuration(d.text(w, "timeout"))
		if err != nil || wait <= 0 {
			d.fail(w.pos, "timeout: expected a time like 30s, found %s", describe(w))
		}
		t.Timeout = wait
	}
	return t
}
