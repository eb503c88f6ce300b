// Package clock measures the processor time that a piece of work takes, which
// other work on the machine leaves nearly as it is.
package clock
