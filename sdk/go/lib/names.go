package verwalter

// maxName is the length of the longest role name, in bytes.
const maxName = 64

// IsRoleName tells whether name may name a role: [a-z0-9][a-z0-9_.-]*, 1 to 64 bytes.
func IsRoleName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		switch b := name[i]; {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
		case i > 0 && (b == '_' || b == '.' || b == '-'):
		default:
			return false
		}
	}
	return true
}
