// Package twosides makes up two sides to reconcile, with known breaks of every kind in them, and
// says what is true of them. The truth is made first and then dressed as the columns of two sides:
// it comes from what the words of package reconcile mean, and from nothing that reconciles.
package twosides
