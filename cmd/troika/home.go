package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// databaseFile of --home holds every table.
const databaseFile = "troika.db"

// Home returns the absolute path of the folder that holds datasets, models and
// runs, and makes the folder if there is none. It is private to the user.
func (a *app) Home() (string, error) {
	dir, err := a.homePath()
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", fmt.Errorf("find home folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make home folder (choose another with --home): %w", err)
	}
	return dir, nil
}

// homePath returns --home, or TROIKA_HOME, or "troika" in the user's data
// folder by the XDG base directory specification, on Windows in LocalAppData.
func (a *app) homePath() (string, error) {
	if a.home != "" {
		return a.home, nil
	}
	if dir := a.Getenv("TROIKA_HOME"); dir != "" {
		return dir, nil
	}
	data := a.Getenv("XDG_DATA_HOME")
	if runtime.GOOS == "windows" && data == "" {
		data = a.Getenv("LocalAppData")
	}
	if filepath.IsAbs(data) { // the specification says to ignore a relative one
		return filepath.Join(data, "troika"), nil
	}
	user := a.Getenv("HOME")
	if runtime.GOOS == "windows" {
		user = a.Getenv("USERPROFILE")
	}
	if user == "" {
		return "", errors.New("find home folder: neither --home nor TROIKA_HOME nor HOME says where it is")
	}
	return filepath.Join(user, ".local", "share", "troika"), nil
}
