// Package storetest is the contract that every driver of package store passes:
// a driver's test calls Blobs or DB with a function that makes an empty one.
package storetest
