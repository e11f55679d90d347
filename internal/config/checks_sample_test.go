package config

import (
	"fmt"
	"strings"
	"time"
)

// sampleColumn is a column of the rows that every line of testdata/checks is judged on.
type sampleColumn struct {
	name, typ string // the type as in a schema, perhaps with "not null"
	// value is that of a row, from 0 to 23, of a day, counted from the first.
	value func(row, day int) any
}

// sampleStart is the first of the days; the last of sampleDays+1 is the one that is judged,
// a Monday.
var sampleStart = time.Date(2025, 2, 16, 0, 0, 0, 0, time.UTC)

const (
	sampleDays = 15
	sampleRows = 24
)

func sampleDay(day int) time.Time { return sampleStart.AddDate(0, 0, day) }

func hours(more int) func(row, day int) any {
	return func(row, day int) any {
		return sampleDay(day).Add(time.Duration(row+more) * time.Hour).Format("2006-01-02T15:04:05")
	}
}

// among takes turns.
func among(values ...any) func(int, int) any {
	return func(row, _ int) any { return values[row%len(values)] }
}

// amountOf is about the same on every day, and never quite.
func amountOf(row, day int) float64 { return 10.5 + float64((row*7+day*3)%11) }

// sampleColumns are those of the source orders, and of ledger, its copy.
var sampleColumns = []sampleColumn{
	{"id", "int64 not null", func(row, day int) any { return day*sampleRows + row + 1 }},
	{"ordered_at", "timestamp not null", hours(0)},
	{"date", "date", func(_, day int) any { return sampleDay(day).Format(time.DateOnly) }},
	{"shipped_at", "timestamp", func(row, day int) any {
		if row%3 == 0 {
			return nil // those that are open
		}
		return hours(2)(row, day)
	}},
	{"status", "string", among("open", "closed", "sent")},
	{"email", "string", among("ada@example.org", "bob@example.org", "grace@example.org")},
	{"phone", "string", among("+44 20 7946 0958", "(555) 010-0199")},
	{"name", "string", among("Ada", "Bob", "Grace")},
	{"country", "string", among("uk", "us", "de", "us")},
	{"currency", "string", among("GBP", "USD", "EUR", "USD")},
	{"code", "string", among("ABC", "ABD", "BAC")},
	{"amount", "float64", func(row, day int) any { return amountOf(row, day) }},
	{"net", "decimal(10, 2)", func(row, day int) any { return fmt.Sprintf("%.2f", amountOf(row, day)) }},
	{"tax", "decimal(10, 2)", func(row, day int) any { return fmt.Sprintf("%.2f", amountOf(row, day)*0.2) }},
	{"gross", "decimal(10, 2)", func(row, day int) any { return fmt.Sprintf("%.2f", amountOf(row, day)*1.2) }},
	{"billed", "float64", func(row, day int) any { return amountOf(row, day) }},
	{"paid", "float64", func(row, day int) any { return amountOf(row, day) }},
	{"quantity", "int64", func(row, _ int) any { return 5 * (1 + row%4) }},
	{"price", "float64", func(row, _ int) any { return 2.5 + float64(row%3) }},
	{"loss", "float64", func(row, _ int) any { return -1.5 - float64(row%3) }},
	{"correction", "int64", func(row, _ int) any { return -(row % 3) }},
	{"version", "int64", among(2)},
	{"share", "float64", func(row, _ int) any { return float64(row) / sampleRows }},
	{"delay", "int64", func(row, _ int) any { return row*5 - 20 }},
	{"bell", "float64", func(row, _ int) any { return bell[row] }},
	{"rank", "int64", func(row, _ int) any { return sampleRows - row }},
	{"note", "string", among("first", nil, "gift", "again")},
	{"obsolete", "string", func(int, int) any { return nil }},
	{"street", "string", among("1 High St", nil)},
	{"city", "string", among("Leeds", nil)},
	{"origin", "string", among("LHR", "JFK")},
	{"destination", "string", among("JFK", "LHR")},
	{"homepage", "string", func(row, _ int) any { return fmt.Sprintf("https://example.org/%d", row) }},
	{"ip4", "string", func(row, _ int) any { return fmt.Sprintf("10.0.0.%d", row) }},
	{"ip6", "string", func(row, _ int) any { return fmt.Sprintf("2001:db8::%x", row) }},
	{"card", "string", among("4242 4242 4242 4242", "5555-5555-5555-4444")},
	{"ssn", "string", among("123-45-6789", "219-09-9998")},
	{"method", "string", among("GET", "POST")},
	{"listed", "string", among("$1,234.50", "12.00 EUR")},
	{"rate", "string", among("12.5%", "7 %")},
	{"token", "string", func(row, day int) any { return fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", day, row) }},
	{"flag", "string", among("yes", "no")},
	{"count_text", "string", among("12", "-7")},
	{"price_text", "string", among("1.50", "20")},
	{"day_text", "string", func(_, day int) any { return sampleDay(day).Format(time.DateOnly) }},
	{"day_de", "string", func(_, day int) any { return sampleDay(day).Format("02.01.2006") }},
	{"clock", "string", among("09:30", "17:45")},
	{"payload", "string", func(row, _ int) any { return fmt.Sprintf(`{"id": %d, "kind": "web"}`, row) }},
	{"valid_from", "timestamp", hours(0)},
	{"valid_to", "timestamp", hours(1)},
}

// bell is as numbers of a normal distribution are, of mean 0 and standard deviation 1.
var bell = []float64{
	-2.04, -1.53, -1.26, -1.05, -0.89, -0.74, -0.61, -0.48, -0.37, -0.26, -0.16, -0.05,
	0.05, 0.16, 0.26, 0.37, 0.48, 0.61, 0.74, 0.89, 1.05, 1.26, 1.53, 2.04,
}

// sampleInputs are the other sources: their columns, and their rows of a day.
var sampleInputs = map[string]struct {
	columns []string
	rows    func(day int) []map[string]any
}{
	"countries": {[]string{"code string", "currency string", "total float64", "active bool"}, func(day int) (all []map[string]any) {
		for _, c := range []string{"uk GBP", "us USD", "de EUR"} {
			code, currency, _ := strings.Cut(c, " ")
			total := 0.0
			for row := range sampleRows {
				if among("uk", "us", "de", "us")(row, day) == code {
					total += amountOf(row, day)
				}
			}
			all = append(all, map[string]any{"code": code, "currency": currency, "total": total, "active": true})
		}
		return all
	}},
	"banned": {[]string{"code string"}, func(int) []map[string]any { return []map[string]any{{"code": "xx"}} }},
	"control": {[]string{"orders int64", "amount float64"}, func(day int) []map[string]any {
		total := 0.0
		for row := range sampleRows {
			total += amountOf(row, day)
		}
		return []map[string]any{{"orders": sampleRows, "amount": total}}
	}},
	"breaks": {[]string{"state string", "age_days int64", "cleared string", "delta decimal(10, 2)"}, func(day int) []map[string]any {
		row := func(state, delta string, age int, cleared any) map[string]any {
			return map[string]any{"state": state, "delta": delta, "age_days": age, "cleared": cleared}
		}
		tonight, before := sampleDay(day).Format(time.DateOnly), sampleDay(day-1).Format(time.DateOnly)
		return []map[string]any{
			row("new", "3.00", 0, nil), row("open", "-150.00", 12, nil), row("accepted", "20.00", 9, nil),
			row("cleared", "1.00", 2, tonight), row("cleared", "1.00", 1, before),
		}
	}},
	"expected": {[]string{"code string", "tags list<string>"}, func(int) []map[string]any {
		tags := []string{"a", "b"}
		return []map[string]any{{"code": "uk", "tags": tags}, {"code": "us", "tags": tags}, {"code": "de", "tags": tags}}
	}},
}

func ordersOf(day int) (all []map[string]any) {
	for row := range sampleRows {
		r := map[string]any{}
		for _, c := range sampleColumns {
			r[c.name] = c.value(row, day)
		}
		all = append(all, r)
	}
	return all
}

func orderColumns() (all []string) {
	for _, c := range sampleColumns {
		all = append(all, c.name+" "+c.typ)
	}
	return all
}
