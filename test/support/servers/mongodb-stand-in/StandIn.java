import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.locks.Lock;
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

  /** Exclusive while a write changes documents, which the library does in place; shared while they are read or committed. */
  private final ReentrantReadWriteLock documents = new ReentrantReadWriteLock(true);
  private final Object file = new Object();
  private volatile long applied;
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
      return within(documents.readLock(), channel, database, command, query);
    }
    try {
      return within(documents.writeLock(), channel, database, command, query);
    } finally {
      syncUpTo(applied);
    }
  }

  /** The answer is a copy: it is sent later, when the documents in it may have changed again. */
  private Document within(Lock lock, Channel channel, String database, String command, Document query) {
    lock.lock();
    try {
      Document answer = super.handleCommand(channel, database, command, query);
      return answer == null ? null : answer.cloneDeeply();
    } finally {
      if (lock == documents.writeLock()) {
        applied++;
      }
      lock.unlock();
    }
  }

  /** One sync serves all writes that were applied meanwhile. */
  private void syncUpTo(long write) {
    synchronized (file) {
      if (synced >= write) {
        return;
      }
      long last;
      documents.readLock().lock();
      try {
        last = applied;
        getMvStore().commit();
      } finally {
        documents.readLock().unlock();
      }
      getMvStore().sync();
      synced = last;
    }
  }

  private void compact() {
    synchronized (file) {
      documents.writeLock().lock();
      try {
        getMvStore().compact(70, 4 << 20);
      } finally {
        documents.writeLock().unlock();
      }
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
