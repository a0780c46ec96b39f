# Checksums and curl's files on a worker, by what every machine has. Part of a protocol's worker.sh.

# $answer: the adler32 of file $1. Coreutils know none; Python and Perl do. od and awk need a second for 2 MB.
adler32_of() { # file
  tool "$seconds" python3 -c 'import sys, zlib
sum = 1
with open(sys.argv[1], "rb") as file:
    for part in iter(lambda: file.read(1 << 20), b""):
        sum = zlib.adler32(part, sum)
print("%08x" % (sum & 0xffffffff))' "$1" || tool "$seconds" perl -MCompress::Zlib -e '
open(my $file, "<:raw", $ARGV[0]) or die; my $sum = 1; my $part;
$sum = adler32($part, $sum) while read($file, $part, 1 << 20);
printf "%08x\n", $sum' "$1" || tool "$seconds" sh -c 'od -An -v -tu1 -w4096 "$1" | awk "BEGIN { a = 1; b = 0 }
{ for (i = 1; i <= NF; i++) { a += \$i; b += a } a %= 65521; b %= 65521 }
END { printf \"%04x%04x\n\", b, a }"' sh "$1" || return 1
  read -r answer <"$work/.dflow-out"
}

same_adler32() { # file adler32
  adler32_of "$1" || return 1
  [ "$answer" = "$2" ] && return
  line="it has adler32 $answer, not $2"
  return 1
}

# $quoted: a path as a line of curl's file has it.
quote_path() {
  quoted=$1
  case $1 in *[\"\\]*) quoted=$(printf '%s' "$1" | sed 's/[\\"]/\\&/g') ;; esac
}
