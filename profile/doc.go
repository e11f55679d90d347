// Package profile tells what is in a dataset: of each column how many rows are null, how
// many values are distinct, where numbers and times lie and how they are spread, how long
// texts are and what they look like; of the whole its rows, its duplicates and which numbers
// go together.
//
// A profile is made by one look at every row, by as many workers as the engine has, in
// memory that does not grow with the rows. It is the same for any number of workers. What is
// not exact says within which bounds it is.
package profile
