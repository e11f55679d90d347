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
)

// Parts gives the kernel of a part of an instant, plus a number.
func Parts(part Part, plus int64) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, unit := args[0].Ints[:n], int64(args[0].Unit)
		for i, t := range a {
			day := floorDiv(t, unit)
			out.Ints[i] = partOf(part, day, t-day*unit, unit) + plus
		}
	}
}

// partOf is a part of the instant that is a rest after the beginning of a day since 1970.
func partOf(part Part, day, rest, unit int64) int64 {
	switch part {
	case Hour:
		return scaled(rest, 24, unit)
	case Minute:
		return scaled(rest, 1440, unit) % 60
	case Second:
		return scaled(rest, 86_400, unit) % 60
	case Millisecond:
		return scaled(rest, 86_400_000, unit) % 1000
	case DayOfWeek:
		return ((day+4)%7 + 7) % 7
	}
	y, m, d := civil(day)
	switch part {
	case Year:
		return y
	case Month:
		return m
	case Day:
		return d
	}
	return day - days(y, 1, 1)
}

// scaled is rest of unit in units of which to make a day.
func scaled(rest, to, unit int64) int64 {
	if unit < to {
		return rest * (to / unit)
	}
	return rest / (unit / to)
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
// month, day, hour or minute. Of nanoseconds, which may not hold that, it makes
// microseconds.
func Truncate(to Part) Kernel {
	return func(out *Vector, args []*Vector, n int, _ Bits) {
		a, unit := args[0].Ints[:n], int64(args[0].Unit)
		if args[0].Unit == Nanos {
			a, unit = out.Ints[:n], int64(Micros)
			for i, t := range args[0].Ints[:n] {
				a[i] = floorDiv(t, 1000)
			}
		}
		for i, t := range a {
			day := floorDiv(t, unit)
			switch to {
			case Year, Month:
				y, m, _ := civil(day)
				if to == Year {
					m = 1
				}
				out.Ints[i] = days(y, m, 1) * unit
			case Day:
				out.Ints[i] = day * unit
			default:
				per := int64(24)
				if to == Minute {
					per = 1440
				}
				if unit <= per {
					out.Ints[i] = t
					continue
				}
				out.Ints[i] = floorDiv(t, unit/per) * (unit / per)
			}
		}
	}
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
