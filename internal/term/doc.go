// Package term draws on a terminal: tables, progress bars, and plots of a
// curve.
//
// Terms: a cell is one column of the terminal. A wide character, such as a
// Han character or most emoji, takes two cells; a combining mark takes none.
// Widths never depend on the locale: a character of ambiguous width counts as
// one cell, everywhere.
//
// Invariants: text given to a table or a bar cannot move the cursor or change
// colours, since control characters are replaced before they are drawn; and
// nothing here reads the environment or decides what is a terminal on its own:
// the caller says which mode a [Progress] has.
//
// Left to others: colours, machine-readable output (JSON is the caller's), and
// choosing the language of a message.
package term
