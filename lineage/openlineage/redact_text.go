package openlineage

import "strings"

// hidden stands for a text that is nobody's business.
const hidden = "…"

// exprText is an expression without the texts in it: who a rule is about is not told.
func exprText(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if q := text[i]; q == '\'' || q == '"' {
			b.WriteString(string(q) + hidden + string(q))
			i = endOfText(text, i, true)
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// sqlText is a query without the texts and the comments in it: a password that somebody wrote
// there, or whom it is about, is not told. Names in double quotes stay.
func sqlText(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, "--"):
			i += lengthTo(rest, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += commentLength(rest)
		case rest[0] == '\'':
			b.WriteString("'" + hidden + "'")
			i = endOfText(text, i, i > 0 && (text[i-1] == 'e' || text[i-1] == 'E'))
		case rest[0] == '"':
			end := endOfText(text, i, false)
			b.WriteString(text[i:end])
			i = end
		case dollarTag(text, i) != "":
			tag := dollarTag(text, i)
			b.WriteString("'" + hidden + "'")
			i += lengthOver(rest, len(tag), tag)
		default:
			b.WriteByte(rest[0])
			i++
		}
	}
	return strings.TrimSpace(b.String())
}

// endOfText is the place after the text in quotes that begins at i.
func endOfText(text string, i int, escapes bool) int {
	q := text[i]
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == q:
			return j + 1
		case text[j] == '\\' && escapes:
			j++
		}
	}
	return len(text)
}

// lengthTo is how far it is to what ends it, or to the end of the text.
func lengthTo(text, end string) int {
	if n := strings.Index(text, end); n >= 0 {
		return n
	}
	return len(text)
}

// commentLength is how long a comment is, with those in it.
func commentLength(text string) int {
	depth := 0
	for i := 0; i+1 < len(text); i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(text)
}

// lengthOver is how long what begins with some bytes is, with its end.
func lengthOver(text string, begin int, end string) int {
	return min(begin+lengthTo(text[begin:], end)+len(end), len(text))
}

// dollarTag is what begins a text at i that is written like $$this$$ or $tag$this$tag$; else empty.
func dollarTag(text string, i int) string {
	if text[i] != '$' || i > 0 && isWord(text[i-1]) {
		return ""
	}
	for j := i + 1; j < len(text); j++ {
		switch {
		case text[j] == '$':
			return text[i : j+1]
		case !isWord(text[j]) || j == i+1 && text[j] >= '0' && text[j] <= '9':
			return ""
		}
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
