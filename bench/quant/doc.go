// Command quant measures products with quantised weights against the limits of the
// machine: of one row against a loop that only reads memory, of many rows against
// the peak rate of multiply-adds. Limit and product take turns, so that ratios hold
// on a machine whose speed wanders.
package main
