module verwalter

go 1.24
