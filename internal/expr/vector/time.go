package vector

import "math"

// Part is a part of an instant in UTC.
type Part uint8

// The parts.
const (
	Year Part = iota
	Month
	Day
	Hour
	Minute
	Second
	Millisecond
	DayOfWeek // Sunday is 0
	DayOfYear // the first is 0
	Weekday   // Monday is 1, Sunday 7
	Week      // of ISO 8601
	Quarter
)

// Parts gives the kernel of a part of an instant, plus a number.
func Parts(part Part, plus int64) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, unit, to := args[0].Ints[:n], args[0].Unit, out.Ints[:n]
		if cycle, ok := cycles[part]; ok {
			cyclic(to, a, int64(unit), cycle.inDay, cycle.of)
			for i := range to {
				to[i] += plus
			}
			return
		}
		floorDivs(to, a, int64(unit))
		last, was := int64(math.MinInt64), int64(0)
		for i, day := range to {
			if day != last { // neighbours tend to be of one day
				last, was = day, dayPart(part, day)+plus
			}
			to[i] = was
		}
	}
}

// TestDays gives the kernel of a test of the day that an instant is in, counted since
// 1970-01-01.
func TestDays(f func(day int64) bool) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, unit := args[0].Ints[:n], int64(args[0].Unit)
		inv := 1 / float64(unit)
		last, was := int64(math.MinInt64), false
		out.each(n, func(i int) bool {
			if day := floorDivBy(a[i], unit, inv); day != last {
				last, was = day, f(day)
			}
			return was
		})
	}
}

// IsWeekend reports whether a day is a Saturday or a Sunday.
func IsWeekend(day int64) bool { return dayPart(Weekday, day) > 5 }

// IsMonthEnd reports whether a day is the last of its month.
func IsMonthEnd(day int64) bool {
	_, _, next := date(day + 1)
	return next == 1
}

// cycles are the parts that come round: how many are in a day, and after how many the
// count begins anew.
var cycles = map[Part]struct{ inDay, of int64 }{Hour: {24, 24}, Minute: {1440, 60}, Second: {86_400, 60}, Millisecond: {86_400_000, 1000}}

func cyclic(to, a []int64, unit, inDay, of int64) {
	if unit <= inDay { // an instant is a whole number of parts
		ratio := inDay / unit
		for i, t := range a {
			to[i] = t * ratio
		}
	} else {
		floorDivs(to, a, unit/inDay)
	}
	inv := 1 / float64(of)
	for i, t := range to {
		to[i] = t - floorDivBy(t, of, inv)*of
	}
}

// floorDivs divides downwards. The quotients are below 1<<50, for instants are far from
// the ends of an int64 unless they are nanoseconds, which are divided by much.
func floorDivs(to, a []int64, by int64) {
	inv := 1 / float64(by)
	for i, t := range a {
		to[i] = floorDivBy(t, by, inv)
	}
}

// floorDivBy divides downwards by multiplying with the inverse, and puts right what that
// may miss by one: a third of the time of a division.
func floorDivBy(t, by int64, inv float64) int64 {
	q := int64(float64(t) * inv)
	switch rest := t - q*by; {
	case rest < 0:
		q--
	case rest >= by:
		q++
	}
	return q
}

func dayPart(part Part, day int64) int64 {
	switch part {
	case DayOfWeek:
		return ((day+4)%7 + 7) % 7
	case Weekday:
		return ((day+3)%7+7)%7 + 1
	case Week: // its Thursday says of which year it is
		thursday := day + 4 - dayPart(Weekday, day)
		y, _, _ := date(thursday)
		return (thursday-days(y, 1, 1))/7 + 1
	}
	y, m, d := date(day)
	switch part {
	case Year:
		return y
	case Month:
		return m
	case Day:
		return d
	case Quarter:
		return (m + 2) / 3
	}
	return day - days(y, 1, 1)
}

// date is civil for days within some five thousand centuries, in 32 bits and half the
// time: Neri and Schneider, Euclidean affine functions and their application to calendar
// algorithms, 2022.
func date(day int64) (year, month, dayOfMonth int64) {
	const centuries = 82 * 4 // to make all days positive
	shifted := day + 719_468 + centuries/4*146_097
	if shifted < 0 || shifted >= 1<<30-1 {
		return civil(day)
	}
	n1 := 4*uint32(shifted) + 3
	century, n2 := n1/146_097, n1%146_097|3
	p2 := 2_939_745 * uint64(n2)
	ofCentury, ofYear := uint32(p2>>32), uint32(p2)/2_939_745/4
	n3 := 2141*ofYear + 197_913
	year = int64(100*century+ofCentury) - 100*centuries
	month, dayOfMonth = int64(n3>>16), int64(n3&0xffff/2141)+1
	if ofYear >= 306 {
		year, month = year+1, month-12
	}
	return year, month, dayOfMonth
}

// civil gives the date of a day since 1970-01-01, in the proleptic Gregorian calendar:
// Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days.
func civil(day int64) (year, month, dayOfMonth int64) {
	day += 719_468
	era := floorDiv(day, 146_097)
	doe := day - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dayOfMonth = doy - (153*mp+2)/5 + 1
	month = mp + 3
	if mp >= 10 {
		month = mp - 9
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, dayOfMonth
}

// days gives the days since 1970-01-01 of a date: days_from_civil.
func days(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	mp := month - 3
	if month <= 2 {
		mp = month + 9
	}
	doy := (153*mp+2)/5 + day - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146_097 + doe - 719_468
}

// Truncate gives the kernel that cuts an instant down to the beginning of its year,
// quarter, month, week, day, hour or minute. Of nanoseconds, which may not hold that, it makes
// microseconds.
func Truncate(to Part) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, unit := args[0].Ints[:n], int64(args[0].Unit)
		if args[0].Unit == Nanos {
			a, unit = make([]int64, n), int64(Micros)
			for i, t := range args[0].Ints[:n] {
				a[i] = floorDiv(t, 1000)
			}
		}
		res := out.Ints[:n]
		if to == Hour || to == Minute {
			part := max(unit/24, 1)
			if to == Minute {
				part = max(unit/1440, 1)
			}
			floorDivs(res, a, part)
			for i := range res {
				res[i] *= part
			}
			return
		}
		floorDivs(res, a, unit)
		last, was := int64(math.MinInt64), int64(0)
		for i, day := range res {
			if day != last {
				last, was = day, firstDay(to, day)*unit
			}
			res[i] = was
		}
	}
}

// firstDay is the first day of the year, quarter, month or week that a day is in.
func firstDay(to Part, day int64) int64 {
	if to == Week {
		return day + 1 - dayPart(Weekday, day)
	}
	y, m, _ := date(day)
	switch to {
	case Quarter:
		return days(y, (m-1)/3*3+1, 1)
	case Year:
		return days(y, 1, 1)
	case Month:
		return days(y, m, 1)
	}
	return day
}

// SubTimes is the duration between two instants of one unit. It reports false if that
// of some row, null or not, is out of range.
func SubTimes(out *Vector, args []*Vector, n int) bool {
	a, b := args[0].Ints[:n], args[1].Ints
	nanos := int64(Nanos / args[0].Unit)
	limit := math.MaxInt64 / nanos
	fits := true
	for i, x := range a {
		y := b[i]
		d := x - y
		out.Ints[i] = d * nanos
		fits = fits && d <= limit && d >= -limit && (x^y)&(x^d) >= 0
	}
	return fits
}
