module example.com/sample-scheduler

go 1.24

require verwalter v0.0.0

// The SDK is in no registry yet: it lies in this project.
replace verwalter => ./sdk
