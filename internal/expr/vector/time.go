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
		a, unit, to := args[0].Ints[:n], int64(args[0].Unit), out.Ints[:n]
		daysOf(to, a, args[0].Unit)
		last, was := int64(math.MinInt64), int64(0)
		for i, day := range to {
			switch part {
			case Year, Month, Day, DayOfYear: // neighbours tend to be of one day
				if day != last {
					last, was = day, partOf(part, day, 0, unit)+plus
				}
				to[i] = was
			default:
				to[i] = partOf(part, day, a[i]-day*unit, unit) + plus
			}
		}
	}
}

// daysOf gives the days since 1970 of instants. The divisors are written out, for a
// division by a constant is a multiplication.
func daysOf(to, a []int64, unit Unit) {
	switch unit {
	case Days:
		copy(to, a)
	case Seconds:
		for i, t := range a {
			to[i] = floorDiv(t, int64(Seconds))
		}
	case Millis:
		for i, t := range a {
			to[i] = floorDiv(t, int64(Millis))
		}
	case Micros:
		for i, t := range a {
			to[i] = floorDiv(t, int64(Micros))
		}
	case Nanos:
		for i, t := range a {
			to[i] = floorDiv(t, int64(Nanos))
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
			for i, t := range a {
				res[i] = floorDiv(t, part) * part
			}
			return
		}
		daysOf(res, a, Unit(unit))
		last, was := int64(math.MinInt64), int64(0)
		for i, day := range res {
			if day != last {
				last, was = day, firstDay(to, day)*unit
			}
			res[i] = was
		}
	}
}

// firstDay is the first day of the year, month or day that a day is in.
func firstDay(to Part, day int64) int64 {
	y, m, _ := civil(day)
	switch to {
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
