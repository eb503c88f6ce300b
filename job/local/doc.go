// Package local runs jobs in this process: the default runner.
//
// One runner holds a folder, by a lock that dies with its process, so that two
// programs never do the jobs of one home at the same time. When it starts it
// takes back what a former process of the folder left, without waiting for
// leases to run out, and those jobs go on from where they were.
//
// Jobs start in the order in which they were submitted. One that does not fit
// beside those that run holds the later ones back, however small they are:
// nothing starves.
package local
