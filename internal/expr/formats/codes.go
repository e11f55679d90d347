package formats

// UUID reports whether a text is a UUID as RFC 9562 writes it: 8-4-4-4-12 hexadecimal digits
// in any case, of any version.
func UUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if classes[s[i]]&hex == 0 {
				return false
			}
		}
	}
	return true
}

// CreditCard reports whether a text is the number of a payment card as of ISO/IEC 7812: 13 to
// 19 digits, not all zero, whose last is the Luhn check digit. A space or a hyphen may stand
// between digits.
func CreditCard(s string) bool {
	n, sum, zero, between := 0, 0, true, true
	for i := len(s) - 1; i >= 0; i-- {
		c := s[i]
		if !isDigit(c) {
			if between || c != ' ' && c != '-' {
				return false
			}
			between = true
			continue
		}
		d := int(c - '0')
		if n%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		zero = zero && d == 0
		sum += d
		n++
		between = false
	}
	return n >= 13 && n <= 19 && !between && !zero && sum%10 == 0
}

// SSN reports whether a text is a US social security number: nine digits, as 123-45-6789,
// 123 45 6789 or 123456789. No area is 000, 666 or 900 to 999, no group 00, no serial 0000;
// 078-05-1120 and 219-09-9999, which were printed in advertisements, are none.
func SSN(s string) bool {
	if len(s) == 11 && (s[3] == '-' || s[3] == ' ') && s[6] == s[3] {
		s = s[:3] + s[4:6] + s[7:]
	}
	if len(s) != 9 || digits(s) != 9 {
		return false
	}
	area, group, serial := s[:3], s[3:5], s[5:]
	return area != "000" && area != "666" && area[0] != '9' && group != "00" && serial != "0000" && s != "078051120" && s != "219099999"
}

// Phone reports whether a text is a telephone number: 7 to 15 digits as of E.164, perhaps
// after a + that no 0 follows. Between digits may stand a space, hyphen or point, and digits
// may stand in round brackets: +49 (0)30 901820, (555) 123-4567.
func Phone(s string) bool {
	if s != "" && s[0] == '+' {
		if s = s[1:]; s == "" || s[0] < '1' || s[0] > '9' {
			return false
		}
	}
	n, open, last := 0, false, byte(0)
	for i := range len(s) {
		c := s[i]
		switch {
		case isDigit(c):
			n++
		case c == '(':
			if open || i+1 == len(s) || !isDigit(s[i+1]) {
				return false
			}
			open = true
		case c == ')':
			if !open || !isDigit(last) {
				return false
			}
			open = false
		case c == ' ' || c == '-' || c == '.':
			if !isDigit(last) && last != ')' {
				return false
			}
		default:
			return false
		}
		last = c
	}
	return n >= 7 && n <= 15 && !open && isDigit(last)
}
