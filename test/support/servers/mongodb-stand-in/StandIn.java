import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.h2.mvstore.MVStore;

/**
 * A stand-in for MongoDB, for tests: mongo-java-server on a file. `java StandIn PORT FILE` prints READY once it listens on
 * 127.0.0.1. What a write changed is synced to the file before the write is answered, so that nothing acknowledged is lost when
 * the process is killed. It has no replica set: write and read concerns are taken and mean nothing.
 */
public final class StandIn extends H2Backend {
  private static final Set<String> READS =
      Set.of("aggregate", "buildinfo", "connectionstatus", "count", "distinct", "endsessions", "find", "getmore",
          "ismaster", "killcursors", "listcollections", "listdatabases", "listindexes", "ping", "whatsmyuri");
  private static final int IO_THREADS = 32; // a write holds its thread until it is synced
  private static final long COMPACT_MS = 5_000;

  /** Shared while a write changes the store in memory, exclusive while the store is synced. */
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock(true);
  private final AtomicLong applied = new AtomicLong();
  private long synced;

  private StandIn(MVStore store) {
    super(store);
  }

  @Override
  public Document handleCommand(Channel channel, String database, String command, Document query) {
    if (command.equalsIgnoreCase("hello")) { // its newer name
      return super.handleCommand(channel, database, "ismaster", query);
    }
    if (READS.contains(command.toLowerCase(Locale.ROOT))) {
      return super.handleCommand(channel, database, command, query);
    }
    long mine = 0;
    try {
      lock.readLock().lock();
      try {
        return super.handleCommand(channel, database, command, query);
      } finally {
        mine = applied.incrementAndGet();
        lock.readLock().unlock();
      }
    } finally {
      syncUpTo(mine);
    }
  }

  /** One sync serves all writes that were applied meanwhile. */
  private void syncUpTo(long write) {
    lock.writeLock().lock();
    try {
      if (synced >= write) {
        return;
      }
      long last = applied.get();
      if (getMvStore().hasUnsavedChanges()) {
        getMvStore().commit();
        getMvStore().sync();
      }
      synced = last;
    } finally {
      lock.writeLock().unlock();
    }
  }

  private void compact() {
    lock.writeLock().lock();
    try {
      getMvStore().compact(70, 4 << 20);
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** What the driver asks for at least; its own answer is older. */
  private static final class Version implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(5, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 13;
    }
  }

  public static void main(String[] args) throws InterruptedException {
    // What the store would write by itself, in the background, is what it loses when it is killed.
    MVStore store = new MVStore.Builder().fileName(args[1]).autoCommitDisabled().autoCommitBufferSize(0).open();
    store.setRetentionTime(0);
    StandIn backend = new StandIn(store);
    backend.version(new Version());
    MongoServer server = new MongoServer(backend);
    server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 1, IO_THREADS);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      server.shutdownNow();
      store.close();
    }));
    System.out.println("READY");
    while (true) {
      Thread.sleep(COMPACT_MS);
      backend.compact();
    }
  }
}
