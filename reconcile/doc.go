// Package reconcile compares two sides, a ledger and a bank, and follows the breaks between them
// over the nights.
package reconcile
