package pipeline

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Night says what is reported of a reconciliation after each run, and who is told.
type Night struct {
	// Compare is the stage that reconciles, Ledger the one that publishes the breaks.
	Compare, Ledger string
	// Reports are paths, by format: text, html, json, csv, xlsx. They are relative to the project;
	// {partition} stands for the partition.
	Reports map[string]string
	// Notify is who is told. Nil: nobody.
	Notify *Notify
	// AgedDays is for how many days a break is open before it is aged; 0: 30.
	AgedDays int
	// At is where it is written, if it is.
	At Pos
}

// Notify says who is told of a night.
type Notify struct {
	// Command is run in the project's directory; the summary is its input, as JSON.
	Command []string
	// Webhook is where the summary is posted.
	Webhook Address
	// When says of which nights; empty: of those that a person must look at.
	When When
	// Timeout is for the command, and for each time that the webhook is tried; 0: 10 seconds.
	Timeout time.Duration
}

// Address is the URL of a server, which shows no more of itself than the server to who prints it:
// the rest often is the key to it.
type Address string

// String hides all but the server.
func (a Address) String() string {
	u, err := url.Parse(string(a))
	if a == "" || err != nil || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
}

// GoString hides it from %#v.
func (a Address) GoString() string { return a.String() }

// MarshalText hides it from whoever writes it as JSON.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// NightFormats are the formats of reports of a night.
var NightFormats = []string{"text", "html", "json", "csv", "xlsx"}

// MaxNotifyTimeout bounds how long a night waits for who is told.
const MaxNotifyTimeout = 10 * time.Minute

// checkNight finds what can't be in the night of a pipeline.
func (p *Pipeline) checkNight() (errs Errors) {
	n := p.Night
	if n == nil {
		return nil
	}
	add := func(format string, args ...any) {
		errs = append(errs, &Error{Kind: Invalid, At: n.At, Msg: "night: " + fmt.Sprintf(format, args...)})
	}
	var stages []string
	for _, s := range p.Stages {
		stages = append(stages, s.Name)
	}
	for _, of := range [][2]string{{"compare", n.Compare}, {"ledger", n.Ledger}} {
		if of[1] != "" && !slices.Contains(stages, of[1]) {
			add("%s: %s", of[0], Unknown("stage", of[1], stages))
		}
	}
	ledger := slices.IndexFunc(p.Stages, func(s Stage) bool { return s.Name == n.Ledger })
	switch {
	case n.Ledger == "":
		add("which stage has the ledger of breaks?")
	case ledger >= 0 && p.Stages[ledger].Output == nil:
		add("ledger: stage %q has no output, so nothing is known of the nights before", n.Ledger)
	}
	seen := map[string]string{}
	for _, format := range NightFormats {
		to, ok := n.Reports[format]
		if !ok {
			continue
		}
		if why := p.badReport(to); why != "" {
			add("report: %s %q: %s", format, to, why)
		}
		if other := seen[path.Clean(to)]; other != "" {
			add("report: %s and %s both go to %s", other, format, to)
		}
		seen[path.Clean(to)] = format
	}
	for format := range n.Reports {
		if !slices.Contains(NightFormats, format) {
			add("report: %s", Unknown("format", format, NightFormats))
		}
	}
	if n.Notify != nil {
		for _, why := range n.Notify.bad() {
			add("notify: %s", why)
		}
	}
	return errs
}

// badReport says why a report can't go to a path.
func (p *Pipeline) badReport(to string) string {
	clean := path.Clean(filepath.ToSlash(to))
	if to == "" || clean == "." || strings.HasSuffix(to, "/") {
		return "a file is needed"
	}
	if path.IsAbs(clean) || filepath.IsAbs(to) {
		return "the path must be relative to the project"
	}
	for part := range strings.SplitSeq(clean, "/") {
		switch {
		case part == "..":
			return "\"..\" leads out of the project"
		case strings.HasPrefix(part, "."):
			return "no part of the path may begin with \".\""
		case strings.ContainsFunc(part, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
			return "control characters and \"\\\" are not allowed"
		}
	}
	if rest := strings.ReplaceAll(clean, "{partition}", ""); strings.ContainsAny(rest, "{}") {
		return "{partition} is all that can be filled in"
	}
	for _, s := range p.Stages {
		if s.Output != nil && strings.HasPrefix(clean+"/", path.Clean(filepath.ToSlash(s.Output.Path))+"/") {
			return fmt.Sprintf("it lies in the dataset of stage %q, whose readers would meet it", s.Name)
		}
	}
	return ""
}

// When says of which nights is told.
type When string

// The choices of When, each of all that the one before it tells of, and more.
const (
	WhenAttention When = "attention" // a person must look
	WhenNew       When = "new"       // there are breaks that are new or were reopened
	WhenAlways    When = "always"
)

// bad says why nobody can be told like that.
func (n *Notify) bad() (all []string) {
	if len(n.Command) == 0 && n.Webhook == "" {
		all = append(all, "a command or a webhook is needed")
	}
	if len(n.Command) > 0 && n.Command[0] == "" {
		all = append(all, "the command is empty")
	}
	if n.Webhook != "" {
		u, err := url.Parse(string(n.Webhook))
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			all = append(all, "the webhook is no address that begins with https:// or http://") // and may hold a secret
		}
	}
	if choices := []string{string(WhenAttention), string(WhenNew), string(WhenAlways)}; n.When != "" && !slices.Contains(choices, string(n.When)) {
		all = append(all, "when: "+Unknown("choice", string(n.When), choices))
	}
	if n.Timeout < 0 || n.Timeout > MaxNotifyTimeout {
		all = append(all, fmt.Sprintf("timeout: expected up to %v, found %v", MaxNotifyTimeout, n.Timeout))
	}
	return all
}
