/** Runs until it is told to end with a code: the content of the file `end`. */
export const untilTold = 'while [ ! -e /__portico/run/end ]; do sleep 0.02; done; exit $(cat /__portico/run/end)';

/** Answers `ok` to everything on a port. */
export function httpServer(port: number): string {
  return `exec perl -MIO::Socket::INET -e '
    $SIG{PIPE} = "IGNORE"; $SIG{TERM} = sub { exit 0 };
    $server = IO::Socket::INET->new(LocalPort => ${port}, Listen => 64, ReuseAddr => 1) or die $!;
    while (1) {
      $client = $server->accept or next;
      while (defined($line = <$client>)) { last if $line =~ /^\\r?$/; }
      print $client "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok";
      close $client;
    }'`;
}

/**
 * Prints whether a connection could be made, a line for each address, in their order.
 * All are tried at once: what is dropped takes its whole second, and a machine may have many addresses.
 */
export function connects(...addresses: string[]): string {
  return `perl -MIO::Socket::INET -e '
    for (@ARGV) {
      if (!open(my $try, "-|")) {
        print IO::Socket::INET->new(PeerAddr => $_, Timeout => 1) ? "open $_\\n" : "closed $_\\n";
        exit;
      }
      else { push @tries, $try; }
    }
    print <$_> for @tries;
  ' ${addresses.join(' ')}`;
}
