package gates

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// textSpecs are the checks of texts and their formats.
var textSpecs = []Spec{
	each("not_blank", "Texts with something in them beside white space. Null is not tested; see not_null.", "[name]", "!is_blank({c})"),
	eachWith("matches", "A regular expression (RE2) that is found in the value; anchor it with ^ and $ for the whole.", "{code: '^[A-Z]{3}$'}", "{c}.matches({v})"),
	eachWith("not_matches", "A regular expression that is not found in the value.", "{note: '(?i)password'}", "!{c}.matches({v})"),
	anyOfTexts("matches_any", "Regular expressions of which at least one is found in the value.", "{code: ['^A', '^B']}", "{c}.matches({v})", " || "),
	anyOfTexts("matches_none", "Regular expressions of which none is found in the value.", "{code: ['^X', '^Y']}", "!{c}.matches({v})", " && "),
	eachWith("like", "A pattern: % is any text, _ any character.", "{homepage: 'https://%'}", "like({c}, {v})"),
	eachWith("not_like", "A pattern that values must not have.", "{code: 'TEST%'}", "!like({c}, {v})"),
	eachWith("contains", "Texts that contain this.", "{email: '@'}", "{c}.contains({v})"),
	eachWith("starts_with", "Texts that begin with this.", "{homepage: 'https://'}", "{c}.startsWith({v})"),
	eachWith("ends_with", "Texts that end with this.", "{email: '.org'}", "{c}.endsWith({v})"),
	{
		Name: "length", Args: ColumnValue, Doc: "The number of characters, or the least and greatest number; null leaves a side open.", Example: "{code: 3, name: [1, 80]}",
		build: func(arg any) (Check, error) { return lengthCheck(arg.(Pair)) },
	},
	each("lower_case", "Texts without a letter in upper case.", "[email]", "is_lower({c})"),
	each("upper_case", "Texts without a letter in lower case.", "[code]", "is_upper({c})"),
	each("ascii", "Texts of ASCII characters.", "[code]", "is_ascii({c})"),
	each("printable", "Valid UTF-8 without control characters.", "[name]", "is_printable({c})"),
	each("email", "E-mail addresses.", "[email]", "is_email({c})"),
	each("url", "URLs of http, https or ftp, with a host.", "[homepage]", "is_url({c})"),
	each("phone", "Telephone numbers of 7 to 15 digits.", "[phone]", "is_phone({c})"),
	each("uuid", "UUIDs.", "[token]", "is_uuid({c})"),
	each("ipv4", "IPv4 addresses.", "[ip4]", "is_ipv4({c})"),
	each("ipv6", "IPv6 addresses.", "[ip6]", "is_ipv6({c})"),
	each("credit_card", "Numbers of payment cards, with their check digit (Luhn).", "[card]", "is_credit_card({c})"),
	each("ssn", "US social security numbers.", "[ssn]", "is_ssn({c})"),
	each("http_method", "Methods of HTTP.", "[method]", "is_http_method({c})"),
	each("money", "Amounts of money, with a sign or code of the currency or without.", "[listed]", "is_money({c})"),
	each("percentage", "Percentages.", "[rate]", "is_percentage({c})"),
	each("integer_text", "Texts that are whole numbers.", "[count_text]", "is_integer({c})"),
	each("decimal_text", "Texts that are decimal numbers.", "[price_text]", "is_decimal({c})"),
	each("bool_text", "Texts that are truth values.", "[flag]", "is_bool({c})"),
	each("date_text", "Texts that are dates as ISO 8601 writes them.", "[day_text]", "is_date({c})"),
	eachWith("date_format", "A layout, as strftime has it, in which every text is a date.", "{day_de: '%d.%m.%Y'}", "is_date({c}, {v})"),
	each("json", "Texts that are JSON.", "[payload]", "is_json({c})"),
	eachWith("json_path", "A path that the JSON in the column has.", "{payload: '$.id'}", "json_has({c}, {v})"),
	eachWith("json_schema", "A JSON Schema that the JSON in the column satisfies.", `{payload: '{"type": "object"}'}`, "json_matches({c}, {v})"),
}

// anyOfTexts joins a template over a list of texts.
func anyOfTexts(name, doc, example, template, op string) Spec {
	return Spec{Name: name, Args: ColumnValue, Doc: doc, Example: example, build: func(arg any) (Check, error) {
		p := arg.(Pair)
		var parts []string
		for _, v := range valueList(p.Value) {
			parts = append(parts, strings.NewReplacer("{c}", ident(p.Column), "{v}", quote(fmt.Sprint(v))).Replace(template))
		}
		c := ofColumns(name, []string{p.Column}, func() string { return strings.Join(parts, op) })
		c.show = fmt.Sprintf("%s %s: %s", name, p.Column, shownValue(p.Value))
		return c, nil
	}}
}

func lengthCheck(p Pair) (Check, error) {
	text, err := withinText("size("+ident(p.Column)+")", p.Value)
	return Check{
		kind: rowCheck, columns: []string{p.Column}, show: fmt.Sprintf("length %s: %s", p.Column, shownValue(p.Value)),
		predicate: func(s *arrow.Schema) (string, error) { return text, exists(s, p.Column) },
	}, err
}
