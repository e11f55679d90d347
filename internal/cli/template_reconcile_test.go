package cli

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the data of templates/reconcile")

// weekNights are those of the template: what a business week and a Monday have.
var weekNights = []string{"2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05", "2026-11-06", "2026-11-09"}

// entry is a row of the ledger, line one of the bank's statement. Amounts are in cents.
type entry struct {
	invoice, customer int
	cents             int64
	fee               string
	booked            int    // night
	day               string // of an item that is older than the first night; else empty
	batch, memo       string
}

type line struct {
	reference string
	customer  int // -1: not known
	cents     int64
	charges   string
	valued    int // night
	day       string
	lot, text string
}

// happening is what one side or the other, or both, show of a thing on a night; nil is nothing.
type happening struct {
	ledger func(night int) *entry
	bank   func(night int) []line
}

// book is the week in the making.
type book struct {
	r       *rand.Rand
	invoice int
	all     []happening
}

var customers = []string{
	"Hartmann & Söhne GmbH", "Nordlicht Reederei AG", "Kestrel Outdoor Ltd", "Bäckerei Lindner", "Alpenglas Manufaktur", "Delacroix Frères SARL",
	"Orto Botanico Srl", "Veldkamp Logistiek BV", "Brauhaus Sankt Anna", "Papierwerk Ulm", "Tischlerei Vogt", "Café Morgenrot",
	"Rheintal Optik", "Studio Ferrante", "Møller Maritim A/S", "Zahnarztpraxis Dr. Weiß", "Fahrrad Krüger", "Galerie Neuhaus",
	"Weingut Steinbach", "Elektro Pohl KG", "Buchhandlung am Markt", "Hotel Seeblick", "Gärtnerei Blum", "Musikhaus Adler",
}

func account(customer int) string {
	if customer < 0 {
		return ""
	}
	return fmt.Sprintf("DE%02d99990000%010d", 11+customer*3%88, 4_711_000+customer*733)
}

func money(cents int64) string {
	sign := ""
	if cents < 0 {
		sign, cents = "-", -cents
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// bill is a fresh entry, and the line that the bank has for it.
func (b *book) bill(night int) (entry, line) {
	b.invoice++
	e := entry{
		invoice: b.invoice, customer: b.r.IntN(len(customers)), cents: 2_000 + b.r.Int64N(180_000), booked: night,
		fee: "0.3500", memo: fmt.Sprintf("Invoice %d", b.invoice),
	}
	ref := strconv.Itoa(e.invoice)
	// The bank hands references on as people typed them.
	ref = []string{"INV-" + ref, "INV-" + ref, "INV-0000" + ref, " INV-" + ref, ref, "0000" + ref}[b.r.IntN(6)]
	return e, line{reference: ref, customer: e.customer, cents: e.cents, charges: "0.35", valued: night, text: e.memo}
}

// both has a thing that the sides show from a night on, the bank with what change makes of it.
func (b *book) both(night int, change func(on int, e *entry, l *line)) {
	e, l := b.bill(night)
	b.all = append(b.all, happening{
		ledger: func(on int) *entry {
			if on < night {
				return nil
			}
			e, l := e, l
			if change != nil {
				change(on, &e, &l)
			}
			return &e
		},
		bank: func(on int) []line {
			if on < night {
				return nil
			}
			e, l := e, l
			if change != nil {
				change(on, &e, &l)
			}
			return []line{l}
		},
	})
}

// late has a thing that one side shows a night after the other.
func (b *book) late(night int, bankFirst bool) {
	e, l := b.bill(night)
	from := [2]int{night, night + 1}
	if bankFirst {
		from = [2]int{night + 1, night}
	}
	b.all = append(b.all, happening{
		ledger: func(on int) *entry {
			if on < from[0] {
				return nil
			}
			e := e
			e.booked = from[0]
			return &e
		},
		bank: func(on int) []line {
			if on < from[1] {
				return nil
			}
			l := l
			l.valued = from[1]
			return []line{l}
		},
	})
}

// deposit has one line of the bank for several entries.
func (b *book) deposit(night, number int) {
	lot := fmt.Sprintf("LOT-%d", number)
	sum := int64(0)
	for i := range 3 + number%2 {
		e, l := b.bill(night)
		e.batch, l.lot = lot, lot
		sum += e.cents
		total := sum
		last := i == 2+number%2
		b.all = append(b.all, happening{
			ledger: func(on int) *entry {
				if on < night {
					return nil
				}
				e := e
				return &e
			},
			bank: func(on int) []line {
				if on < night || !last {
					return nil
				}
				return []line{{reference: fmt.Sprintf("SAMMELEINZ %d", number), customer: -1, cents: total, charges: "0.35", valued: night, lot: lot, text: "Collective deposit"}}
			},
		})
	}
}

// mangled has a line whose reference says nothing.
func (b *book) mangled(night int) {
	b.both(night, func(_ int, e *entry, l *line) {
		l.reference = fmt.Sprintf("RE %d/%02d VIELEN DANK", e.invoice/100, e.invoice%100)
		l.cents = e.cents - 3 // what a bank in between kept
	})
}

// week makes it all. The numbers of what goes wrong are chosen, all others are made up.
func week() *book {
	b := &book{r: rand.New(rand.NewPCG(2026, 11)), invoice: 104_700}
	for night := range weekNights {
		for range 36 {
			b.both(night, nil)
		}
		b.late(night, false)
		b.late(night, false)
		b.late(night, true)
		b.deposit(night, 118+night)
		b.mangled(night)
	}
	wrong := func(night, customer int, cents int64, change func(on int, e *entry, l *line)) {
		b.both(night, func(on int, e *entry, l *line) {
			e.customer, e.cents = customer, cents
			l.customer, l.cents = customer, cents
			change(on, e, l)
		})
	}

	// The three that everybody knows, from the first night on.
	wrong(0, 0, 184_000, func(_ int, e *entry, l *line) { e.day, l.reference = "2026-09-30", "" }) // never paid
	wrong(0, 1, 96_000, func(_ int, _ *entry, l *line) { l.cents -= 24_000 })                      // a discount that is disputed
	b.all = append(b.all, happening{bank: func(int) []line {                                       // nobody knows from whom
		return []line{{reference: "NOTPROVIDED", customer: -1, cents: 61_240, charges: "0.35", day: "2026-10-19", text: "Cash deposit"}}
	}})

	// What comes and goes.
	wrong(0, 11, 1_840, func(on int, e *entry, _ *line) { // in cents, until somebody sees it
		if on < 2 {
			e.cents *= 100
		}
	})
	wrong(1, 5, -4_500, func(on int, e *entry, _ *line) { // a refund, booked as a payment
		if on < 3 {
			e.cents = -e.cents
		}
	})
	wrong(1, 16, 29_500, func(_ int, e *entry, l *line) { e.fee, l.charges = "0.4125", "0.41" })
	wrong(2, 20, 12_800, func(_ int, e *entry, l *line) { e.memo, l.text = "", " " })
	wrong(2, 18, 43_310, func(on int, e *entry, l *line) {
		if on < 4 {
			l.text = strings.ToUpper(strings.ReplaceAll(e.memo, " ", "-"))
		}
	})
	wrong(2, 6, 30_000, func(on int, _ *entry, l *line) { // paid in parts
		if l.cents = 25_000; on >= 4 {
			l.cents = 28_000
		}
	})
	b.twice(1, 6_490)

	// And what is new in the last night.
	wrong(5, 2, 131_000, func(_ int, _ *entry, l *line) { l.cents -= 25_000 })
	return b
}

// twice has a line that the bank shows twice, on the weekNights when it does.
func (b *book) twice(night int, cents int64) {
	e, l := b.bill(night)
	e.cents, l.cents, e.customer, l.customer = cents, cents, 12, 12
	b.all = append(b.all, happening{
		ledger: func(on int) *entry {
			if on < night {
				return nil
			}
			e := e
			return &e
		},
		bank: func(on int) []line {
			switch {
			case on < night:
				return nil
			case on == 2 || on == 3: // taken back, and then not
				return []line{l}
			}
			return []line{l, l}
		},
	})
}

// files are the two of a night, by their names: the month to date.
func (b *book) files(night int) map[string][]byte {
	ledger := [][]string{{"entry", "invoice", "customer", "account", "amount", "currency", "fee", "booked", "status", "batch", "memo"}}
	var lines []line
	var entries []entry
	for _, h := range b.all {
		if h.ledger != nil {
			if e := h.ledger(night); e != nil {
				entries = append(entries, *e)
			}
		}
		for _, l := range h.bank(night) {
			if l.reference != "" {
				lines = append(lines, l)
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Or(len(b.day)-len(a.day), a.booked-b.booked, a.invoice-b.invoice) })
	for i, e := range entries {
		ledger = append(ledger, []string{
			strconv.Itoa(70_001 + i), "INV-" + strconv.Itoa(e.invoice), customers[e.customer], account(e.customer), money(e.cents), "EUR",
			e.fee, cmp.Or(e.day, weekNights[e.booked]), "cleared", e.batch, e.memo,
		})
	}
	bank := [][]string{{"line", "reference", "iban", "amount", "currency", "charges", "value_date", "code", "lot", "text"}}
	slices.SortStableFunc(lines, func(a, b line) int {
		return cmp.Or(len(b.day)-len(a.day), a.valued-b.valued, shelf(a.customer)-shelf(b.customer), strings.Compare(a.reference, b.reference))
	})
	for i, l := range lines {
		bank = append(bank, []string{
			strconv.Itoa(i + 1), l.reference, account(l.customer), money(l.cents), "EUR", l.charges, cmp.Or(l.day, weekNights[l.valued]), "C", l.lot, l.text,
		})
	}
	return map[string][]byte{"in/ledger-" + weekNights[night] + ".csv": csvOf(ledger), "in/bank-" + weekNights[night] + ".csv": csvOf(bank)}
}

// shelf is an order of customers that is not that of the ledger.
func shelf(customer int) int { return customer * 7 % 24 }

func csvOf(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		panic(err) // a buffer takes all
	}
	return b.Bytes()
}

// The ledger and the bank of the template are what week makes; -rewrite writes them.
func TestReconcileTemplateData(t *testing.T) {
	b := week()
	for night := range weekNights {
		for name, want := range b.files(night) {
			path := filepath.Join("templates/reconcile", name)
			if *rewrite {
				if err := os.WriteFile(path, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what this test makes (%v); -rewrite writes it", name, err)
			}
		}
	}
}
