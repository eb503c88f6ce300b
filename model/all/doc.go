// Package all lists the architectures, one line each.
package all
