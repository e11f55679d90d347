package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/penstock-data/penstock/pipeline"
)

// scheme says how datasets are cut.
func (d *decoder) scheme(n *node, o *object) pipeline.Scheme {
	if !d.object(n, o) {
		return pipeline.Scheme{}
	}
	before := len(d.errs)
	s := pipeline.Scheme{
		By: granularity(d.oneOf(n.get("by"), fieldOf(o, "by"))), Zone: d.zone(n.get("timezone")),
		From: d.text(n.get("from"), "from"), To: d.text(n.get("to"), "to"),
		Keys: d.texts(n.get("keys"), "keys"),
	}
	if !timed(s.By) {
		d.untimed(n, s)
	}
	if s.By != pipeline.Key && s.Keys != nil {
		d.fail(n.get("keys").pos, "partitions: keys belong to `by: key`")
	}
	for _, k := range s.Keys {
		if _, err := (pipeline.Scheme{By: pipeline.Key}).Parse(k); err != nil {
			d.fail(n.get("keys").pos, "partitions: %v", err)
		}
	}
	if len(d.errs) > before || !timed(s.By) {
		return s
	}
	for _, bound := range []string{"from", "to"} {
		d.window(n.get(bound), "partitions", s)
	}
	s.Calendar = d.calendar(n.get("calendar"), n.get("holidays"), s)
	if len(d.errs) > before {
		return s
	}
	if err := s.Check(); err != nil {
		d.fail(n.pos, "partitions: %v", err)
	} else if s.From != "" && s.To != "" {
		if _, err := s.Range("", ""); err != nil {
			d.fail(n.pos, "partitions: %v", err)
		}
	}
	return s
}

func granularity(text string) pipeline.By {
	if text == wholeText {
		return pipeline.Whole
	}
	return pipeline.By(text)
}

func timed(by pipeline.By) bool { return by != pipeline.Whole && by != pipeline.Key }

// untimed complains of what belongs to windows of time.
func (d *decoder) untimed(n *node, s pipeline.Scheme) {
	if s.By == pipeline.Key && (s.From != "" || s.To != "") {
		d.fail(n.pos, "partitions: from and to belong to windows of time; name keys with `keys`")
	}
	for _, name := range []string{"timezone", "calendar", "holidays", "lookback"} {
		if v := n.get(name); v != nil {
			d.fail(v.pos, "partitions: %s belongs to windows of time", name)
		}
	}
}

// window complains if a value is no window of the scheme, on the calendar or not.
func (d *decoder) window(n *node, what string, s pipeline.Scheme) {
	if n == nil {
		return
	}
	if _, err := s.Anyway(d.text(n, what)); err != nil {
		d.fail(n.pos, "%s: %v", what, err)
	}
}

func (d *decoder) zone(n *node) *time.Location {
	name := d.text(n, "timezone")
	if name == "" {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		d.fail(n.pos, "timezone: unknown time zone %q; write it as the IANA data base does, like Europe/Berlin or UTC", name)
		return nil
	}
	return zone
}

// lookback is how many of the newest partitions late data open again.
func (d *decoder) lookback(n *node) int {
	last := d.int(n, "lookback", 0)
	if n != nil && last < 1 {
		d.fail(n.pos, "lookback: expected 1 or more partitions, found %s; left out, late data open any partition", describe(n))
	}
	return int(last)
}

// calendar says which windows ought to exist; nil: all.
func (d *decoder) calendar(n, holidays *node, s pipeline.Scheme) *pipeline.Calendar {
	off := d.texts(holidays, "holidays")
	if holidays != nil && holidays.kind == sequence {
		for _, h := range holidays.values {
			d.window(h, "holidays", pipeline.Scheme{By: pipeline.Day})
		}
	}
	switch {
	case n == nil && holidays == nil:
		return nil
	case n == nil:
		return pipeline.Weekdays(weekdays, off...)
	case n.kind != mapping:
		if d.oneOf(n, field{name: "calendar", choices: []string{businessDays}}) == businessDays {
			return pipeline.BusinessDays(off...)
		}
		return nil
	case !d.object(n, calendarObject):
		return nil
	}
	if v := n.get("weekdays"); v != nil {
		return pipeline.Weekdays(d.weekdays(v), off...)
	}
	if holidays != nil {
		d.fail(holidays.pos, "holidays: a list is without them; they belong to business_days and weekdays")
	}
	if v := n.get("file"); v != nil {
		return d.calendarFile(v, s)
	}
	list := n.get("list")
	if list != nil && list.kind == sequence {
		for _, v := range list.values {
			d.window(v, "calendar", s)
		}
	}
	return pipeline.Listed(d.texts(list, "list")...)
}

var weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}

func (d *decoder) weekdays(n *node) (days []time.Weekday) {
	var names []string
	for _, w := range weekdays {
		names = append(names, strings.ToLower(w.String()))
	}
	for _, text := range d.texts(n, "weekdays") {
		if i := slices.Index(names, text); i >= 0 {
			days = append(days, weekdays[i])
		} else {
			d.fail(n.pos, "weekdays: %s", pipeline.Unknown("day", text, names))
		}
	}
	return days
}

// maxCalendar bounds a calendar's file, in bytes: a century of hours has less.
const maxCalendar = 16 << 20

// calendarFile reads a text file with a window a line; what is behind a # is for people.
func (d *decoder) calendarFile(n *node, s pipeline.Scheme) *pipeline.Calendar {
	name := d.text(n, "file")
	text, err := d.calendarText(name)
	if err != nil {
		d.fail(n.pos, "calendar: %s: %v", name, err)
		return nil
	}
	list := []string{}
	line := 0
	for text := range bytes.Lines(text) {
		line++
		text, _, _ = bytes.Cut(text, []byte("#"))
		value := string(bytes.TrimSpace(text))
		if value == "" {
			continue
		}
		if _, err := s.Anyway(value); err != nil {
			d.errs = append(d.errs, &pipeline.Error{Kind: pipeline.Invalid, At: pipeline.Pos{File: name, Line: line, Col: 1}, Msg: "calendar: " + err.Error()})
		}
		list = append(list, value)
	}
	return pipeline.Listed(list...)
}

// beside is where a file is that a pipeline file names.
func (d *decoder) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	dir := d.options.Dir
	if dir == "" {
		dir = filepath.Dir(d.file)
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

// calendarText reads the file of a calendar, and keeps what was in it.
func (d *decoder) calendarText(name string) (text []byte, err error) {
	if d.options.Read != nil {
		text, err = d.options.Read(name)
	} else {
		text, err = readCalendar(d.beside(name))
	}
	d.named = append(d.named, pipeline.Text{Path: name, Text: text})
	return text, err
}

func readCalendar(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("no such file")
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("is no regular file")
	case info.Size() > maxCalendar:
		return nil, fmt.Errorf("has %d bytes, more than %d: no calendar has", info.Size(), maxCalendar)
	}
	return os.ReadFile(path)
}
