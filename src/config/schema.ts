/**
 * The format of the config file, and its only source: types, JSON Schema for editors, error messages and
 * docs/configuration.md all come from here. A key with a default has the resolved value filled in by resolve.ts.
 */
import { type Static, Type } from 'typebox';
import {
  breakerFailure,
  choice,
  duration,
  flag,
  freeText,
  headerValue,
  integer,
  type Note,
  percentage,
  retryCondition,
  seconds,
  secret,
  share,
  size,
  text,
  workerCount,
} from './leaves.ts';

/** A month and a day more: rate limits may count over longer times than a timer can wait. */
const longestWindowMs = 32 * 24 * 3_600_000;

const section = <P extends Parameters<typeof Type.Object>[0]>(description: string, properties: P) =>
  Type.Object(properties, { description, additionalProperties: false });

const listOf = <T extends Parameters<typeof Type.Array>[0]>(items: T, note: Note & { minItems?: number }) =>
  Type.Array(items, { ...note });

const optional = Type.Optional;

const mode = optional(
  choice(['enforce', 'shadow'], {
    description: '`shadow`: decide, count and log, but let the request pass.',
    default: 'enforce',
  }),
);

const requirement = (note: Note) => choice(['none', 'optional', 'required'], note);

const path = (description: string) => text('the path of a file, from the folder of this file', { description });

const headerMap = (description: string) =>
  Type.Record(Type.String(), headerValue({ description: 'The value of the field.' }), { description });

const tlsCertificate = section('A certificate and its private key, PEM. New files are taken up by themselves.', {
  cert: path('File with the certificate, and behind it those of its authorities.'),
  key: path('File with the private key, without a passphrase.'),
});

const listenerTls = section('HTTPS on the port (docs/https.md). Absent: plain HTTP.', {
  certificates: listOf(tlsCertificate, {
    description: 'Chosen by the name that the client asks for (SNI); the first one answers when none fits.',
    minItems: 1,
  }),
  minVersion: optional(
    choice(['TLSv1.2', 'TLSv1.3'], { description: 'The oldest TLS version to speak.', default: 'TLSv1.2' }),
  ),
  clientCa: optional(path('File with the authorities that client certificates are checked against.')),
  clientAuth: optional(
    choice(['none', 'optional', 'required'], {
      description:
        'Whether clients show a certificate, whose CN names the consumer. `optional`: who has none may come in, who shows a bad one not.',
      default: 'none',
    }),
  ),
});

const proxy = section('The listener that clients talk to, and what it bears.', {
  host: optional(text('an address to listen on', { description: 'Address to listen on.', default: '0.0.0.0' })),
  port: optional(
    integer({
      description: 'Port to listen on; 0 takes any free one.',
      default: 3000,
      minimum: 0,
      maximum: 65535,
      expected: 'a port from 0 to 65535',
    }),
  ),
  workers: optional(
    workerCount({
      description: 'Worker processes. `auto`: as many as the container has CPUs for.',
      default: 'auto',
    }),
  ),
  timeout: optional(
    duration({
      description:
        'The whole exchange, retries and body included; 0: none. Event streams and WebSockets only obey `timeouts.idle`.',
      default: 30000,
    }),
  ),
  maxBodySize: optional(size({ description: 'Largest request body; 0 allows none.', default: '10mb' })),
  maxHeaderSize: optional(
    size({ description: 'Largest request head.', default: '16kb', minimum: 1024, maximum: 1024 ** 2 }),
  ),
  maxHeaders: optional(
    integer({ description: 'Most header fields in a request.', default: 100, minimum: 1, maximum: 2000 }),
  ),
  maxUrlLength: optional(
    size({ description: 'Longest request target.', default: '8kb', minimum: 64, maximum: 1024 ** 2 }),
  ),
  trustedProxies: optional(
    listOf(text('an address or CIDR such as 10.0.0.0/8', { description: 'An address or CIDR.' }), {
      description: 'Proxies in front of this one, whose X-Forwarded-* and Forwarded fields are believed.',
      default: [],
    }),
  ),
  timeouts: optional(
    section('How long single steps may take; 0: no limit.', {
      connect: optional(duration({ description: 'TCP and TLS to an upstream.', default: 3000 })),
      dns: optional(duration({ description: 'Resolving the name of an upstream.', default: 2000 })),
      headers: optional(duration({ description: "A client's complete request head.", default: 10000 })),
      idle: optional(
        duration({
          description:
            'Silence between requests, during a body, on WebSockets and event streams; never while waiting for a response head.',
          default: 65000,
        }),
      ),
    }),
  ),
  dns: optional(
    section('How the names of upstreams are resolved. Answers are renewed by their TTL, from 1s to 5m.', {
      servers: optional(
        listOf(
          text('an address such as 10.0.0.53 or 10.0.0.53:5353', { description: '`address` or `address:port`.' }),
          {
            description:
              'DNS servers to ask instead of the system (which then answers only for localhost and names that they do not have).',
            default: [],
          },
        ),
      ),
    }),
  ),
  limits: optional(
    section('Connections per worker, WebSockets and TLS handshakes included.', {
      maxConnections: optional(
        integer({ description: 'All clients together; 0: no limit.', default: 10000, minimum: 0 }),
      ),
      maxConnectionsPerIp: optional(
        integer({
          description: 'One TCP peer (IPv6: a /64); those in `trustedProxies` are exempt. 0: no limit.',
          default: 0,
          minimum: 0,
        }),
      ),
    }),
  ),
  shutdown: optional(
    section('How a worker leaves.', {
      delay: optional(
        duration({
          description: 'Not ready any more but still accepting, so that load balancers notice.',
          default: 5000,
        }),
      ),
      timeout: optional(duration({ description: 'For requests in flight; then they are cut.', default: 20000 })),
    }),
  ),
  endpoints: optional(
    section("The gateway's own answers on this port. They win over routes.", {
      health: optional(flag({ description: '`/health/*`', default: true })),
      metrics: optional(flag({ description: '`/metrics`', default: true })),
    }),
  ),
  tls: optional(listenerTls),
  traceToken: optional(
    Type.Union([secret('a token', { description: 'A token.' }), Type.Null()], {
      description:
        'A request with `X-Sluice-Trace: TOKEN` is answered with `Server-Timing`: the time of each stage and of the upstream, without addresses. The field goes no further than the gateway. null: never.',
      default: null,
    }),
  ),
});

const admin = section('A second listener for operators, served by the supervisor.', {
  host: optional(text('an address to listen on', { description: 'Address to listen on.', default: '127.0.0.1' })),
  port: optional(
    integer({
      description: 'Port to listen on; 0: off.',
      default: 9901,
      minimum: 0,
      maximum: 65535,
      expected: 'a port from 0 to 65535',
    }),
  ),
  token: optional(
    Type.Union([secret('a token', { description: 'A token.' }), Type.Null()], {
      description: 'When set, everything but `/health/*` wants `Authorization: Bearer TOKEN`; null: open.',
      default: null,
    }),
  ),
});

const apiKey = section('A key that a client may show.', {
  key: secret('the hex digest that `sluice keys hash` prints', {
    description: 'Hex digest of the key, as `sluice keys hash` prints it; never the key itself.',
  }),
  name: text('the name of the client', { description: 'Name of the client: the consumer in logs and limits.' }),
});

/** The content of `keysFile`: the same list, alone or under `keys`. */
export const KeysFile = Type.Union([
  Type.Array(apiKey, { description: 'Keys.' }),
  section('Keys.', { keys: Type.Array(apiKey, { description: 'Keys.' }) }),
]);

const auth = section('Who clients are. Absent: nobody is asked.', {
  type: choice(['apiKey'], { description: 'How clients show who they are.' }),
  header: optional(text('a header name', { description: 'Field that holds the key.', default: 'X-API-Key' })),
  secret: optional(
    secret('the HMAC key of the digests', {
      description: 'HMAC-SHA256 key of the digests. Without it digests are plain SHA-256, and `check` warns.',
    }),
  ),
  keys: optional(listOf(apiKey, { description: 'The keys that are known.', default: [] })),
  keysFile: optional(path('File with more keys, in the same form; read again on every reload.')),
  default: optional(requirement({ description: '`auth` of routes that say nothing.', default: 'none' })),
  mode,
});

const security = section('Who may come in, and where requests may go.', {
  allowedHosts: optional(
    listOf(text('a host such as api.example.com or *.example.com', { description: 'A host, or `*.suffix`.' }), {
      description:
        'Hosts that upstreams may name; requests to another one get 502 `upstream_blocked`. Empty: all that are named in `upstreams`.',
      default: [],
    }),
  ),
  blockedIPs: optional(
    listOf(text('an address or CIDR such as 10.0.0.0/8', { description: 'An address or CIDR.' }), {
      description:
        'Addresses that no request may reach, added to the built-in list of cloud metadata services. A url that is one is an error; a name is judged by what it resolves to, at every connect.',
      default: [],
    }),
  ),
  auth: optional(auth),
});

const limitKey = optional(
  text('client, ip, consumer, all, or header:NAME', {
    description: 'Who shares a bucket: `client` (the consumer, else the IP), `ip`, `consumer`, `all` or `header:NAME`.',
    default: 'client',
  }),
);

const limitFields = {
  max: integer({ description: 'Requests that a full bucket admits.', minimum: 1, maximum: 1_000_000_000 }),
  windowMs: duration({
    description: 'Time in which an empty bucket fills up evenly.',
    minimum: 1,
    maximum: longestWindowMs,
  }),
  key: limitKey,
  message: optional(freeText({ description: 'The `detail` of the answer to a refused request.' })),
  mode,
};

const clientTls = (description: string) =>
  section(`${description} The files are read with this one: a reload takes up new ones.`, {
    ca: optional(path("File with the authorities to trust, instead of the system's.")),
    cert: optional(path('File with the certificate to show (mutual TLS).')),
    key: optional(path('File with the key of `cert`.')),
    servername: optional(text('a host name', { description: "Name to ask for and to check, instead of the url's." })),
    verify: optional(flag({ description: 'Whether the certificate is checked.', default: true })),
  });

const rateLimit = section('How many requests a client may make.', {
  backend: optional(
    choice(['memory', 'redis'], {
      description: '`memory`: limits hold over all workers of a node; `redis`: over all nodes.',
      default: 'memory',
    }),
  ),
  redis: optional(
    section('Where limits and breaker status are shared.', {
      url: optional(
        text('a url such as redis://localhost:6379', {
          description: '`redis://` or `rediss://`. REDIS_URL in the environment replaces it.',
          default: 'redis://localhost:6379',
        }),
      ),
      onError: optional(
        choice(['local', 'open', 'closed'], {
          description: 'While Redis is away: limit per node, admit all, or refuse all.',
          default: 'local',
        }),
      ),
      sentinels: optional(
        listOf(text('an address such as sentinel-1:26379', { description: '`host:port` of a sentinel.' }), {
          description:
            'Sentinels to ask for the master; `url` then only gives credentials, database, and whether it is TLS. With a password of their own: `redis://:PASSWORD@host:port`.',
          default: [],
        }),
      ),
      sentinelName: optional(
        text('the name of the master', {
          description: 'Name of the master that sentinels watch.',
          default: 'mymaster',
        }),
      ),
      prefix: optional(
        text('letters, digits and - _ . :', {
          description:
            'What the names of all keys begin with. Gateways that share limits have the same one, others another.',
          default: 'sluice',
        }),
      ),
      cluster: optional(
        listOf(text('an address such as redis-1:6379', { description: '`host:port` of a cluster node.' }), {
          description:
            'Nodes of a Redis Cluster to start from; `url` then only gives credentials, and whether it is TLS.',
          default: [],
        }),
      ),
      tls: optional(clientTls('TLS to a `rediss://` Redis.')),
    }),
  ),
  global: optional(section('Per client, over all routes. Absent: no such limit.', limitFields)),
  perRoute: optional(
    listOf(
      section('A limit on paths.', {
        path: text('a path such as /api/* or /users/:id', {
          description: "Matched on the request's path, whatever its route; every matching entry applies.",
        }),
        ...limitFields,
      }),
      { description: 'Limits on paths.', default: [] },
    ),
  ),
  mode: optional(
    choice(['enforce', 'shadow'], {
      description: 'Mode of the limits in this section that set none themselves.',
      default: 'enforce',
    }),
  ),
});

const upstreamUrl = (description: string) => text('a url such as http://orders:8080', { description });

const retries = section('Repeating what failed.', {
  attempts: integer({ description: 'Tries after the first.', minimum: 0, maximum: 10 }),
  on: optional(
    listOf(retryCondition({ description: 'connect, reset, timeout, 5xx, or a status.' }), {
      description: 'What a try may fail with to be repeated.',
      default: ['connect', 'reset', 'timeout', '502', '503', '504'],
    }),
  ),
  methods: optional(
    listOf(text('a method such as GET', { description: 'A method.' }), {
      description: 'Methods that may be repeated once the request has begun to go out; before that, any may.',
      default: ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'],
    }),
  ),
  backoff: optional(
    section('Waiting between tries: a random time up to a bound that doubles.', {
      base: optional(duration({ description: 'First bound.', default: 50 })),
      max: optional(duration({ description: 'Largest bound.', default: 1000 })),
    }),
  ),
  budget: optional(
    share({
      description: 'Share of the requests in flight that may be retries; at least 3 on the node always may.',
      default: '20%',
    }),
  ),
  maxBodySize: optional(
    size({
      description:
        'Of a request body that is still on its way so much is kept, to be sent again. A longer one is not repeated.',
      default: '64kb',
    }),
  ),
});

const circuitBreaker = section('Stop asking an upstream that fails. Absent: never.', {
  enabled: optional(flag({ description: 'Whether the breaker works.', default: true })),
  failureThreshold: optional(percentage({ description: 'Percent of failed tries that open it.', default: 50 })),
  minimumRequests: optional(
    integer({ description: 'Tries in the window before it may open.', default: 20, minimum: 1 }),
  ),
  window: optional(duration({ description: 'Time over which tries are counted.', default: 10000, minimum: 1 })),
  openDuration: optional(duration({ description: 'Time until a probe is let through.', default: 30000, minimum: 1 })),
  failOn: optional(
    listOf(breakerFailure({ description: 'connect, reset, timeout, protocol, 5xx, or a status of 5xx.' }), {
      description: 'What counts as a failed try. A client that leaves never does, and no 4xx.',
      default: ['connect', 'reset', 'timeout', 'protocol', '5xx'],
    }),
  ),
  mode,
});

const healthCheck = section('Asking targets whether they are well. Absent: they are taken to be.', {
  path: optional(text('a path such as /healthz', { description: 'Path to ask for.', default: '/healthz' })),
  interval: optional(duration({ description: 'Time between two checks.', default: 10000, minimum: 100 })),
  timeout: optional(duration({ description: 'Time for one check.', default: 2000, minimum: 1 })),
  healthy: optional(integer({ description: 'Good answers in a row to be well again.', default: 2, minimum: 1 })),
  unhealthy: optional(integer({ description: 'Bad answers in a row to be unwell.', default: 3, minimum: 1 })),
});

const outlierDetection = section(
  'Giving targets a rest where tries keep failing: no connection, reset, timeout, invalid answer or 5xx. Absent: never.',
  {
    failures: optional(
      integer({ description: 'Failed tries in a row, as one worker sees them.', default: 5, minimum: 1 }),
    ),
    ejection: optional(
      section('How long. A target that fails again soon after its return rests longer, by `base` each time.', {
        base: optional(duration({ description: 'The first time.', default: 30000, minimum: 1 })),
        max: optional(duration({ description: 'At most.', default: 300000, minimum: 1 })),
      }),
    ),
    maxEjected: optional(
      share({
        description: 'Share of the targets that may rest at a time; one always may, the last never.',
        default: '50%',
      }),
    ),
  },
);

const upstream = section('Where requests go. Has exactly one of `url`, `targets` and `builtin`.', {
  name: text('a name', { description: 'What routes call it; the label in metrics and logs.' }),
  url: optional(upstreamUrl('`http://` or `https://`, host, port, and a base path if need be.')),
  targets: optional(
    listOf(
      section('One of several servers.', {
        url: upstreamUrl('As `url` of an upstream.'),
        weight: optional(
          integer({
            description: 'Its share, beside the other weights; 0: none.',
            default: 1,
            minimum: 0,
            maximum: 1_000_000,
          }),
        ),
      }),
      { description: 'Several servers instead of one `url`.', minItems: 1 },
    ),
  ),
  builtin: optional(
    choice(['echo'], {
      description: 'An upstream inside the gateway that answers with what it got, for trying things out.',
    }),
  ),
  balance: optional(
    choice(['least-requests', 'round-robin', 'random', 'consistent-hash'], {
      description: 'How a target is chosen.',
      default: 'least-requests',
    }),
  ),
  hashOn: optional(
    text('ip, consumer, or header:NAME', {
      description: 'What `consistent-hash` looks at: `ip`, `consumer` or `header:NAME`.',
      default: 'ip',
    }),
  ),
  timeout: optional(
    duration({ description: 'Per try, until the response head is complete; 0: none.', default: 10000 }),
  ),
  retries: optional(
    Type.Union([integer({ description: 'Tries after the first.', minimum: 0, maximum: 10 }), retries], {
      description: 'Tries after the first, as a number or with their rules.',
      default: 0,
    }),
  ),
  circuitBreaker: optional(circuitBreaker),
  healthCheck: optional(healthCheck),
  outlierDetection: optional(outlierDetection),
  slowStart: optional(
    duration({
      description:
        'Time over which a target that comes back gets more and more, from a tenth of its share on; 0: all at once. Not with `consistent-hash`.',
      default: 0,
    }),
  ),
  maxConnections: optional(
    integer({ description: 'Connections per worker and target.', default: 256, minimum: 1, maximum: 65535 }),
  ),
  maxPending: optional(
    integer({ description: 'Requests per worker and target that wait for a connection.', default: 1024, minimum: 0 }),
  ),
  preserveHost: optional(flag({ description: "Pass the client's Host instead of the url's.", default: false })),
  tls: optional(clientTls('TLS to an https upstream.')),
});

const routeAuth = Type.Union(
  [
    requirement({ description: 'Whether a key is needed.' }),
    section('Whether a key is needed, and in which mode.', {
      require: requirement({ description: 'Whether a key is needed.' }),
      mode,
    }),
  ],
  { description: '`none`, `optional` or `required`. Absent: security.auth.default.' },
);

const consumerList = Type.Array(text("a consumer's name", { description: 'Name of a consumer.' }), {
  description: 'Names of consumers.',
});

const consumers = Type.Union(
  [consumerList, section('The consumers that may use this route, and in which mode.', { allow: consumerList, mode })],
  { description: 'The consumers that may use this route; others get 403. Absent: all.' },
);

const headerEdits = (description: string) =>
  section(description, {
    headers: optional(
      section('Fields to change, removing first, then setting, then adding.', {
        set: optional(headerMap('Fields to set, replacing what is there.')),
        add: optional(headerMap('Fields to add to what is there.')),
        remove: optional(
          listOf(text('a header name', { description: 'Name of a field.' }), {
            description: 'Fields to remove.',
            default: [],
          }),
        ),
      }),
    ),
  });

const jsonSchema = (description: string) =>
  Type.Unsafe<unknown>({ description, type: ['object', 'boolean', 'string'], anyShape: true });

const validate = section('What a request must look like (docs/validation.md). Absent: anything goes.', {
  contentTypes: optional(
    listOf(text('a media type such as application/json', { description: 'A media type.' }), {
      description:
        'Media types that a body may have; `text/*` and `application/*+json` are patterns. Empty: any, or JSON where there is a schema for the body.',
      default: [],
    }),
  ),
  headers: optional(
    jsonSchema('JSON Schema of the header fields as an object with lower-case names, inline or a file.'),
  ),
  query: optional(jsonSchema('JSON Schema of the query parameters as an object, inline or a file.')),
  body: optional(
    jsonSchema(
      'JSON Schema of the body, which has to be JSON, inline or a file. The body is collected before it is sent on.',
    ),
  ),
  mode,
});

const cors = section('Which other origins may use this route from a browser. Preflight is answered before auth.', {
  origins: optional(
    listOf(text('an origin such as https://app.example.com, or "*"', { description: 'An origin, or `*` for all.' }), {
      description: 'Origins that are allowed.',
      default: [],
    }),
  ),
  methods: optional(
    listOf(text('a method such as GET', { description: 'A method.' }), {
      description: 'Methods that are allowed beyond GET, HEAD and POST.',
      default: [],
    }),
  ),
  headers: optional(
    listOf(text('a header name', { description: 'Name of a field.' }), {
      description: 'Request fields that are allowed beyond the plain ones.',
      default: [],
    }),
  ),
  credentials: optional(flag({ description: 'Whether cookies and Authorization may come along.', default: false })),
  maxAge: optional(seconds({ description: 'How long a browser may remember this, in seconds.', default: 600 })),
});

const respond = section('An answer of the gateway, instead of an upstream.', {
  status: optional(integer({ description: 'Status.', default: 200, minimum: 200, maximum: 599 })),
  headers: optional(headerMap('Header fields.')),
  body: optional(freeText({ description: 'Body.', default: '' })),
});

const weightedUpstream = section('An upstream and its share.', {
  name: text('the name of an upstream', { description: 'Name of an upstream.' }),
  weight: optional(
    integer({
      description: 'Its share, beside the other weights; 0: none.',
      default: 1,
      minimum: 0,
      maximum: 1_000_000,
    }),
  ),
});

const route = section('Which requests go where. Has exactly one of `upstream` and `respond`.', {
  name: optional(text('a name', { description: 'The label in metrics and logs. Absent: host and path.' })),
  path: text('a path such as /api/users, /users/:id or /api/*', {
    description: 'Exact, with `:param` segments, or with `*` at the end for everything below.',
  }),
  host: optional(
    text('a host such as api.example.com or *.example.com', {
      description: 'Host of the request: exact, or `*.suffix`. Absent: any.',
    }),
  ),
  methods: optional(
    listOf(text('a method such as GET', { description: 'A method.' }), {
      description: 'Methods of the request; GET includes HEAD. Absent: all.',
      minItems: 1,
    }),
  ),
  headers: optional(headerMap('Header fields that the request must have, with exactly these values.')),
  upstream: optional(
    Type.Union(
      [
        text('the name of an upstream', { description: 'Name of an upstream.' }),
        Type.Array(weightedUpstream, { description: 'Several upstreams with their shares.', minItems: 1 }),
      ],
      { description: 'Where to send the request: the name of an upstream, or several with weights.' },
    ),
  ),
  sticky: optional(
    text('consumer, ip, or header:NAME', {
      description:
        'Several upstreams: whose requests stay with one of them, by `consumer`, `ip` or `header:NAME` (the IP where there is none). Absent: each request is drawn anew.',
    }),
  ),
  fallback: optional(
    text('the name of an upstream', { description: 'Upstream to use when the breaker is open or all tries failed.' }),
  ),
  auth: optional(routeAuth),
  consumers: optional(consumers),
  timeout: optional(
    duration({
      description:
        "The whole exchange; 0: none. Absent: proxy.timeout. Also replaces the upstream's timeout, unless `tryTimeout` is set.",
    }),
  ),
  tryTimeout: optional(duration({ description: "Per try, instead of the upstream's timeout." })),
  rateLimit: optional(section('A limit on this route. Absent: none.', limitFields)),
  priority: optional(
    choice(['normal', 'low', 'high'], {
      description: '`low` is shed first under overload, `high` last.',
      default: 'normal',
    }),
  ),
  stripPrefix: optional(
    text('a path such as /api', { description: 'Start of the path that the upstream does not get.' }),
  ),
  rewrite: optional(
    text('a path such as /v2/* or /users/:id', {
      description: "The upstream's path. `*` is what the path's `*` matched, `:name` its parameters.",
    }),
  ),
  request: optional(headerEdits('Changes to the request on its way to the upstream.')),
  response: optional(headerEdits('Changes to the response on its way to the client.')),
  validate: optional(validate),
  maxBodySize: optional(size({ description: 'Largest request body. Absent: proxy.maxBodySize.' })),
  cors: optional(cors),
  respond: optional(respond),
  preserveHost: optional(flag({ description: "Pass the client's Host. Absent: what the upstream says." })),
});

const overloadNote =
  'When a worker turns requests away with 503: `low` routes from 0.8 of any of these limits on, `normal` ones from 0.9, all at 1.';

const overload = section(overloadNote, {
  maxConcurrent: optional(
    integer({
      description: 'Requests in flight per worker, without WebSockets and event streams.',
      default: 1000,
      minimum: 1,
    }),
  ),
  maxEventLoopDelay: optional(
    duration({
      description: 'Mean delay of the event loop over the last second, without its one longest pause.',
      default: 200,
      minimum: 1,
    }),
  ),
  maxMemory: optional(
    share({
      description:
        "Share of the memory that a worker may have (the container's limit, divided by the workers) for its heap and buffers. 0: no limit.",
      default: '90%',
    }),
  ),
  adaptive: optional(
    flag({
      description:
        "Learn from an upstream's latency how many requests it may have under way (per worker); what comes on top gets 503, by priority.",
      default: false,
    }),
  ),
  mode,
});

const logging = section('The access log and what the gateway says about itself.', {
  level: optional(
    choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      description: 'The least important lines to write.',
      default: 'info',
    }),
  ),
  format: optional(choice(['json', 'pretty'], { description: 'Absent: `pretty` on a terminal, else `json`.' })),
  query: optional(flag({ description: 'Whether query strings are logged.', default: false })),
  sampling: optional(
    section('Which requests are logged. Metrics count all of them.', {
      successRate: optional(share({ description: 'Share of the requests that went well.', default: 1 })),
      errorRate: optional(share({ description: 'Share of 5xx answers and aborted exchanges.', default: 1 })),
    }),
  ),
});

const telemetry = section('Traces, metrics and logs to a collector.', {
  otlp: optional(
    section('OpenTelemetry over HTTP, in protobuf. Absent: off.', {
      url: text('a url such as http://collector:4318', {
        description: 'Url of the collector; `/v1/traces`, `/v1/metrics` and `/v1/logs` are appended.',
      }),
      sampleRatio: optional(
        share({
          description:
            'Share of the traces that begin here and are recorded. A trace that a client has begun is recorded when the client records it.',
          default: 0.1,
        }),
      ),
      traces: optional(
        flag({ description: 'Whether a span is sent for each recorded request and each of its tries.', default: true }),
      ),
      metrics: optional(flag({ description: 'Whether the metrics of `/metrics` are sent too.', default: true })),
      logs: optional(flag({ description: 'Whether every line of the log is sent too.', default: true })),
      headers: optional(headerMap('Fields of each request to the collector, such as `authorization`.')),
      interval: optional(
        duration({ description: 'How long spans and log lines wait for company.', default: 1000, minimum: 10 }),
      ),
      metricsInterval: optional(
        duration({ description: 'Time from one sending of the metrics to the next.', default: 15_000, minimum: 100 }),
      ),
      timeout: optional(
        duration({
          description: 'What one request to the collector may take, tries after failed ones included.',
          default: 5000,
          minimum: 10,
        }),
      ),
      compression: optional(
        choice(['none', 'gzip'], { description: 'How what is sent is compressed.', default: 'none' }),
      ),
      tls: optional(clientTls('TLS to an https collector.')),
    }),
  ),
});

/** A section whose keys are all commented out is the same as none. */
const topLevel = <T extends Parameters<typeof Type.Optional>[0]>(schema: T, description: string) =>
  optional(Type.Union([schema, Type.Null()], { description }));

export const ConfigFileSchema = Type.Object(
  {
    proxy: topLevel(proxy, 'The listener that clients talk to, and what it bears.'),
    admin: topLevel(admin, 'A second listener for operators, served by the supervisor.'),
    security: topLevel(security, 'Who may come in, and where requests may go.'),
    rateLimit: topLevel(rateLimit, 'How many requests a client may make.'),
    upstreams: topLevel(Type.Array(upstream, { description: 'Upstreams.' }), 'The servers that requests go to.'),
    routes: topLevel(Type.Array(route, { description: 'Routes.' }), 'Which requests go where.'),
    overload: topLevel(overload, overloadNote),
    logging: topLevel(logging, 'The access log and what the gateway says about itself.'),
    telemetry: topLevel(telemetry, 'Traces, metrics and logs to a collector.'),
  },
  { title: 'Sluice config', additionalProperties: false },
);

/** The config file with units and references settled, and short forms and defaults not yet. */
export type ConfigFile = Static<typeof ConfigFileSchema>;
export type UpstreamEntry = NonNullable<ConfigFile['upstreams']>[number];
export type RouteEntry = NonNullable<ConfigFile['routes']>[number];
