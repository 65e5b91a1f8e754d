/** The worker's side of the conversation with the supervisor: what it is told, in order, becomes calls on the gateway. */
import { unpackConfig } from '../src/config/parcel.ts';
import type { ConfigParcel, ToSupervisor, ToWorker } from '../src/contracts/ipc.ts';
import type { WorkerGateway, WorkerGatewayOptions } from '../src/contracts/worker-gateway.ts';
import { type Channel, openChannel } from '../src/ipc/channel.ts';

/** How long requests may take that are in flight when the supervisor dies, unless the config has said. */
const orphanDrainMs = 20_000;
/** A drain that takes this much longer than it may has come to a halt. */
const drainMarginMs = 3000;

export function runWorker(createGateway: (options: WorkerGatewayOptions) => WorkerGateway): void {
  const channel = openChannel<ToSupervisor, ToWorker>(process);
  const gateway = createGateway({
    send: (message) => channel.send(message),
    worker: process.argv[2] ?? '0',
    workers: Number(process.argv[3] ?? 1),
  });
  const conversation = new Conversation(channel, gateway);
  channel.onMessage((message, handle) => conversation.hear(message, handle));
  channel.onClose(() => conversation.leaveAsOrphan());
  channel.send({ type: 'started' });
}

class Conversation {
  readonly #channel: Channel<ToSupervisor, ToWorker>;
  readonly #gateway: WorkerGateway;
  /** Calls about configs, one after the other: a commit or discard may not overtake its prepare. */
  #configCalls: Promise<void> = Promise.resolve();
  /** Of the config that is on its way. */
  #pieces: Uint8Array[] = [];
  #drainMs = orphanDrainMs;
  #isLeaving = false;

  constructor(channel: Channel<ToSupervisor, ToWorker>, gateway: WorkerGateway) {
    this.#channel = channel;
    this.#gateway = gateway;
  }

  hear(message: ToWorker, handle: unknown): void {
    switch (message.type) {
      case 'config:piece':
        this.#pieces.push(message.piece);
        return;
      case 'config:prepare': {
        const parcel = this.#pieces;
        this.#pieces = [];
        return this.#inOrder(() => this.#prepare(message.version, parcel));
      }
      case 'config:commit':
        return this.#inOrder(() => this.#gateway.commit(message.version));
      case 'config:discard':
        return this.#inOrder(() => this.#gateway.discard(message.version));
      case 'listen':
        return this.#inOrder(() => this.#listen(handle));
      case 'tls:certificates':
        return this.#inOrder(() => this.#gateway.takeCertificates(message.tls));
      case 'tls:ticket-keys':
        return this.#inOrder(() => this.#gateway.takeTicketKeys(message.keys));
      case 'close-connections':
        return this.#inOrder(() => this.#gateway.closeConnections());
      case 'drain':
        return void this.#drain(message.timeoutMs);
      case 'log:level':
        // After the config that comes before it.
        return this.#inOrder(() => this.#gateway.setLogLevel(message.level));
      case 'inspect':
        this.#channel.send({ type: 'insight', id: message.id, insight: this.#gateway.inspect() });
        return;
      case 'ping':
        this.#channel.send({ type: 'pong', id: message.id });
        return;
      case 'health':
      case 'targets:faulty':
      case 'scraped':
      case 'metrics:taken':
      case 'admissions':
      case 'permit:answer':
      case 'breaker:changed':
        return this.#gateway.receive(message);
    }
  }

  /** The supervisor has died: nobody would replace this worker, or stop it. */
  leaveAsOrphan(): void {
    if (!this.#isLeaving) void this.#drain(this.#drainMs);
  }

  /** What goes wrong in here is no answer of the gateway but a bug, and ends the worker like any other. */
  #inOrder(call: () => Promise<void> | void): void {
    this.#configCalls = this.#configCalls.then(call);
  }

  async #prepare(version: number, parcel: ConfigParcel): Promise<void> {
    try {
      const config = await unpackConfig(parcel);
      await this.#gateway.prepare(config, version);
      this.#drainMs = config.proxy.shutdown.timeoutMs;
      this.#channel.send({ type: 'config:prepared', version });
    } catch (error) {
      this.#channel.send({ type: 'config:refused', version, error: messageOf(error) });
    }
  }

  async #listen(handle: unknown): Promise<void> {
    try {
      if (handle === undefined) throw new Error('the listening socket got lost on its way');
      await this.#gateway.listen(handle);
      this.#channel.send({ type: 'listening' });
    } catch (error) {
      this.#channel.send({ type: 'listen:failed', error: messageOf(error) });
    }
  }

  /** A second call shortens the first, which is the one that answers. */
  async #drain(timeoutMs: number): Promise<void> {
    const drained = this.#gateway.drain(timeoutMs);
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    setTimeout(() => process.exit(1), timeoutMs + drainMarginMs).unref();
    const { cut } = await drained;
    await this.#channel.write({ type: 'drained', cut });
    process.exit();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
