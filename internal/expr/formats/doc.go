// Package formats tells what a text is: an e-mail address, a number, a date of a layout, a
// JSON document. It knows neither CEL nor Arrow. Every test is of the whole text, takes time
// in proportion to it, and keeps none of it; all functions are safe for concurrent use.
package formats
