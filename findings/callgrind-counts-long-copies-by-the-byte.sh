#!/usr/bin/env bash
# valgrind 3.19.0 (callgrind) with glibc 2.36: a `memcpy` of 8,000 bytes counts as some 800 instructions, one of 10,000 bytes as some
# 10,000.
#
# One would guess that a count of instructions grows with the length of a copy as the processor's work does: 32 bytes an
# instruction at least. It does so up to some 8 KB. From there on glibc copies by one `rep movsb`, which a processor carries out at many
# bytes a cycle, and callgrind counts each byte of it as an instruction. So in a benchmark by instructions, a value that grows from
# 8 to 10 KB seems to cost thirteen times as much to copy.
#
# The processor must have AVX2 and "enhanced rep movsb" (ERMS), as x86-64 servers have since 2013; glibc chooses by that.
#
# Seen on 2026-11-30 with gcc 12.2.0 on Debian 12:
#   a copy of 8000 bytes: under 1000 instructions; of 10000 bytes: over 10000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download valgrind=1:3.19.0-1 >/dev/null 2>&1 # as root it warns about its sandbox
dpkg -x valgrind_*.deb valgrind
export VALGRIND_LIB=$folder/valgrind/usr/libexec/valgrind
dpkg-query --showformat 'glibc ${Version}\n' --show libc6
cat >copy.c <<'C'
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments) {
  size_t bytes = strtoul(arguments[1], NULL, 10), times = strtoul(arguments[2], NULL, 10);
  char *from = malloc(bytes), *to = malloc(bytes);
  memset(from, 1, bytes);
  for (size_t time = 0; time < times; time++) {
    memcpy(to, from, bytes);
    __asm__ volatile("" ::: "memory");
  }
  return count == 3 && to[bytes - 1] == 1 ? 0 : 1;
}
C
gcc -O2 -o copy copy.c

# Prints how many instructions a program with so many copies of so many bytes counts as.
counted() {
    valgrind/usr/bin/valgrind --tool=callgrind --callgrind-out-file=/dev/null ./copy "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : //p'
}

short=$((($(counted 8000 2000) - $(counted 8000 1000)) / 1000))
long=$((($(counted 10000 2000) - $(counted 10000 1000)) / 1000))
echo "counted for a copy of 8000 bytes: $short, of 10000 bytes: $long"
[ "$short" -lt 1000 ] && [ "$long" -gt 10000 ] && echo "as described"
