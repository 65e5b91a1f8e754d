/**
 * Requests that two programs could read differently: each is refused, its connection closes, and above all nothing
 * behind it is ever taken for a request. Every case is followed on the same connection by a request for /smuggled.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardAll, startGateway } from '../support/gateway.ts';
import { ask, rawClient } from '../support/raw-client.ts';
import { recordingUpstream } from '../support/recording-upstream.ts';

const upstream = await recordingUpstream();
const gateway = await startGateway({ config: forwardAll(upstream.url) });
const [worker] = gateway.workers();

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const get = (fields: string): string => `GET /victim HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
const post = (fields: string, body = ''): string => `POST /victim HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n${body}`;
const hosts = (lines: string): string => `GET /victim HTTP/1.1\r\n${lines}\r\n\r\n`;
const chunkedBody = '5\r\nhello\r\n0\r\n\r\n';

/** Nothing of these may reach the upstream. */
const refusedHeads: Record<string, string | readonly [bytes: string, status: number, code: string]> = {
  'Content-Length and Transfer-Encoding': post('Content-Length: 5\r\nTransfer-Encoding: chunked', chunkedBody),
  'Transfer-Encoding and Content-Length': post('Transfer-Encoding: chunked\r\nContent-Length: 5', chunkedBody),
  'Content-Length 0 and Transfer-Encoding': post('Content-Length: 0\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
  'two different Content-Lengths': post('Content-Length: 5\r\nContent-Length: 6', 'hello'),
  'two equal Content-Lengths': post('Content-Length: 5\r\nContent-Length: 5', 'hello'),
  'a list of equal Content-Lengths': post('Content-Length: 5, 5', 'hello'),
  'a list of Content-Lengths': post('Content-Length: 5, 6', 'hello'),
  'Content-Length +5': post('Content-Length: +5', 'hello'),
  'Content-Length -5': post('Content-Length: -5', 'hello'),
  'Content-Length 0x5': post('Content-Length: 0x5', 'hello'),
  'Content-Length 5e0': post('Content-Length: 5e0', 'hello'),
  'Content-Length 5.0': post('Content-Length: 5.0', 'hello'),
  'Content-Length "5 5"': post('Content-Length: 5 5', 'hello'),
  'Content-Length 05': post('Content-Length: 05', 'hello'),
  'an empty Content-Length': post('Content-Length:', 'hello'),
  'Content-Length 2^53': post('Content-Length: 9007199254740993', 'hello'),
  'Content-Length 2^64 + 5': post('Content-Length: 18446744073709551621', 'hello'),
  'Transfer-Encoding ",chunked"': post('Transfer-Encoding: ,chunked', chunkedBody),
  'Transfer-Encoding "chunked,"': post('Transfer-Encoding: chunked,', chunkedBody),
  'an empty Transfer-Encoding': post('Transfer-Encoding:', chunkedBody),
  'Transfer-Encoding gzip, chunked': post('Transfer-Encoding: gzip, chunked', chunkedBody),
  'Transfer-Encoding chunked, gzip': post('Transfer-Encoding: chunked, gzip', chunkedBody),
  'Transfer-Encoding gzip': post('Transfer-Encoding: gzip', chunkedBody),
  'Transfer-Encoding xchunked': post('Transfer-Encoding: xchunked', chunkedBody),
  'Transfer-Encoding identity': post('Transfer-Encoding: identity', chunkedBody),
  'Transfer-Encoding chunked;a=b': post('Transfer-Encoding: chunked;a=b', chunkedBody),
  'Transfer-Encoding with a vertical tab': post('Transfer-Encoding: \x0bchunked', chunkedBody),
  'Transfer-Encoding chunked, chunked': post('Transfer-Encoding: chunked, chunked', chunkedBody),
  'two Transfer-Encoding lines': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', chunkedBody),
  'Transfer-Encoding chunked, then identity': post(
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    chunkedBody,
  ),
  'Transfer-Encoding on HTTP/1.0': `POST /victim HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
  'Transfer-Encoding on HTTP/1.0 with keep-alive': `POST /victim HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
  'an obsolete fold': get('X-A: b\r\n c'),
  'a folded Transfer-Encoding': post('Transfer-Encoding:\r\n chunked', chunkedBody),
  'a fold before the first field': 'GET /victim HTTP/1.1\r\n X-A: b\r\nHost: a\r\n\r\n',
  'lines that end in a bare LF': 'GET /victim HTTP/1.1\nHost: a\n\n',
  'one field that ends in a bare LF': get('X-A: b\nX-C: d'),
  'a bare CR in a value': get('X-A: b\rX-C: d'),
  'a head that ends in bare LFs': 'GET /victim HTTP/1.1\r\nHost: a\r\n\n',
  'a NUL in a value': get('X-A: b\0c'),
  'a control character in a value': get('X-A: b\x01c'),
  'a DEL in a value': get('X-A: b\x7fc'),
  'a NUL in a name': get('X-\0A: b'),
  'a space before the colon': get('X-A : b'),
  'a space before the colon of Content-Length': post('Content-Length : 5', 'hello'),
  'a space before the colon of Transfer-Encoding': post('Transfer-Encoding : chunked', chunkedBody),
  'a tab before the colon': get('X-A\t: b'),
  'a space in a name': get('X A: b'),
  'an 8-bit name': get('X-\xe9: b'),
  'an empty name': get(': b'),
  'a line without a colon': get('X-A'),
  'HTTP/0.9': 'GET /victim\r\n\r\n',
  'HTTP/2.0': 'GET /victim HTTP/2.0\r\nHost: a\r\n\r\n',
  'HTTP/1.2': 'GET /victim HTTP/1.2\r\nHost: a\r\n\r\n',
  'HTTP/1.10': 'GET /victim HTTP/1.10\r\nHost: a\r\n\r\n',
  'http/1.1 in lower case': 'GET /victim http/1.1\r\nHost: a\r\n\r\n',
  'RTSP/1.0': 'SETUP /victim RTSP/1.0\r\nHost: a\r\n\r\n',
  'ICE/1.0': 'SOURCE /victim ICE/1.0\r\nHost: a\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'no Host': 'GET /victim HTTP/1.1\r\n\r\n',
  'two Hosts': hosts('Host: a\r\nHost: b'),
  'two equal Hosts': hosts('Host: a\r\nHost: a'),
  'an empty Host': hosts('Host:'),
  'a Host with a path': hosts('Host: a/b'),
  'a Host with a user': hosts('Host: u@a'),
  'a Host that is a list': hosts('Host: a,b'),
  'a Host with a query': hosts('Host: a?x'),
  'a Host with a fragment': hosts('Host: a#x'),
  'a Host with a space': hosts('Host: a b'),
  'a Host with a backslash': hosts('Host: a\\b'),
  'a Host with a bad port': hosts('Host: a:b'),
  'a Host with a port out of range': hosts('Host: a:65536'),
  'a Host with two ports': hosts('Host: a:1:2'),
  'a Host that is an open bracket': hosts('Host: [::1'),
  'an 8-bit Host': hosts('Host: caf\xe9'),
  'an absolute-form target with another Host': 'GET http://b/victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'an absolute-form target with another port': 'GET http://a:81/victim HTTP/1.1\r\nHost: a:82\r\n\r\n',
  'an absolute-form target without a Host': 'GET http://a/victim HTTP/1.1\r\n\r\n',
  'an absolute-form target with a user': 'GET http://u@a/victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'an absolute-form target of another scheme': 'GET ftp://a/victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'a fragment': 'GET /victim#x HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET *': 'GET * HTTP/1.1\r\nHost: a\r\n\r\n',
  'a space in the target': 'GET /vic tim HTTP/1.1\r\nHost: a\r\n\r\n',
  'a tab after the method': 'GET\t/victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'a space before the method': ' GET /victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'an 8-bit target': 'GET /victim\xe9 HTTP/1.1\r\nHost: a\r\n\r\n',
  'an expectation that is none': post('Expect: 200-ok\r\nContent-Length: 5', 'hello'),
  'an expectation with something before it': post('Expect: y 100-continue\r\nContent-Length: 5', 'hello'),
  'an expectation with something behind it': post('Expect: 100-continue, x\r\nContent-Length: 5', 'hello'),
  'an empty expectation': post('Expect:\r\nContent-Length: 5', 'hello'),
  'a Content-Length with a space before the colon beside a good one': post(
    'Content-Length: 5\r\nContent-Length : 50',
    'hello',
  ),
  'a line of two Content-Lengths, cut by a bare CR': post('Content-Length: 5\rContent-Length: 50', 'hello'),
  'a field name with a bare CR': post('\rContent-Length: 5', 'hello'),
  'a Transfer-Encoding behind a NUL': post('X: \0\r\nTransfer-Encoding: chunked', chunkedBody),
  'a method that is no token': 'GE(T /victim HTTP/1.1\r\nHost: a\r\n\r\n',
  'TLS instead of HTTP': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'more than 100 fields': [
    get(Array.from({ length: 101 }, (_, i) => `X-${i}: v`).join('\r\n')),
    431,
    'headers_too_large',
  ],
  'more than 1000 fields, the last a Transfer-Encoding': [
    post(`${'X: v\r\n'.repeat(1500)}Transfer-Encoding: chunked`, chunkedBody),
    431,
    'headers_too_large',
  ],
  'more than 16 KB of fields': [get(`X-A: ${'v'.repeat(17_000)}`), 431, 'headers_too_large'],
  'a target of more than 8 KB': [`GET /victim${'x'.repeat(8200)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'uri_too_long'],
};

for (const [name, given] of Object.entries(refusedHeads)) {
  const [bytes, status, code] = typeof given === 'string' ? [given, 400, 'bad_request'] : given;
  test(`${name} is refused with ${status}, and nothing reaches the upstream`, async () => {
    const before = upstream.requests.length;
    const client = await rawClient(gateway.port);
    client.write(bytes, smuggled);
    const answers = await client.responsesUntilClosed(1);
    assert.deepEqual(
      answers.map((answer) => [answer.status, answer.complete]),
      [[status, true]],
    );
    const [answer] = answers;
    assert.match(answer?.header('content-type') ?? '', /^application\/problem\+json/);
    assert.equal(answer?.json()['code'], code);
    assert.notEqual(answer?.header('x-request-id') ?? null, null);
    assert.match(answer?.header('connection') ?? '', /close/i);
    assert.equal(upstream.requests.length, before);
    client.destroy();
  });
}

/** The head of these is fine and may have gone upstream; the body must never look whole there. */
const refusedBodies: Record<string, string> = {
  'a chunk size that is no number': 'xyz\r\nhello\r\n0\r\n\r\n',
  'a chunk size in 0x form': '0x5\r\nhello\r\n0\r\n\r\n',
  'a negative chunk size': '-5\r\nhello\r\n0\r\n\r\n',
  'a chunk size with a space before it': ' 5\r\nhello\r\n0\r\n\r\n',
  'an empty chunk size': '\r\nhello\r\n0\r\n\r\n',
  'a chunk size of more than 2^64': '10000000000000005\r\nhello\r\n0\r\n\r\n',
  'a chunk size that ends in a bare LF': '5\nhello\r\n0\r\n\r\n',
  'a bare CR after a chunk size': '5\rhello\r\n0\r\n\r\n',
  'a bare LF in a chunk extension': '5;a=b\nc\r\nhello\r\n0\r\n\r\n',
  'a bare CR in a chunk extension': '5;a\rb\r\nhello\r\n0\r\n\r\n',
  'a bare LF in a quoted chunk extension': '5;a="\n"\r\nhello\r\n0\r\n\r\n',
  'a bare LF after the extension of the last chunk': '5\r\nhello\r\n0;a\n\r\n',
  'a chunk size with an underscore': '1_0\r\nhellohellohello!\r\n0\r\n\r\n',
  'a chunk size with a plus': '+5\r\nhello\r\n0\r\n\r\n',
  'a chunk size that wraps round at 2^32': '1000000000000000000000005\r\nhello\r\n0\r\n\r\n',
  'a Host among the trailers, with a bare LF': '5\r\nhello\r\n0\r\nHost: b\n\r\n',
  'chunk data that is too long': '5\r\nhelloX\r\n0\r\n\r\n',
  'chunk data that ends in a bare LF': '5\r\nhello\n0\r\n\r\n',
  'a last chunk that ends in a bare LF': '5\r\nhello\r\n0\n\r\n',
  'a Content-Length among the trailers': '5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n',
  'a Transfer-Encoding among the trailers': '5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n',
  'a trailer with an obsolete fold': '5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n',
  'a trailer with a space before its colon': '5\r\nhello\r\n0\r\nX-A : b\r\n\r\n',
  'a trailer with a NUL': '5\r\nhello\r\n0\r\nX-A: b\0\r\n\r\n',
};

for (const [name, body] of Object.entries(refusedBodies)) {
  test(`${name} is refused with 400, and the upstream never sees the request whole`, async () => {
    const before = upstream.requests.length;
    const client = await rawClient(gateway.port);
    client.write(post('Transfer-Encoding: chunked', body), smuggled);
    const answers = await client.responsesUntilClosed(1);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [400],
    );
    assert.equal(answers[0]?.json()['code'], 'bad_request');
    for (const request of upstream.requests.slice(before)) {
      assert.equal(request.path, '/victim');
      assert.equal((await request.received).complete, false);
    }
    client.destroy();
  });
}

/** Servers behind us may read them otherwise, so they go on as one plain body or not at all. */
const doubtfulBodies: Record<string, string> = {
  'a space behind a chunk size': '5 \r\nhello\r\n0\r\n\r\n',
  'leading zeros in a chunk size': '0000005\r\nhello\r\n0\r\n\r\n',
  'hundreds of leading zeros in a chunk size': `${'0'.repeat(400)}5\r\nhello\r\n0\r\n\r\n`,
  'a tab before a chunk extension': '5\t;a\r\nhello\r\n0\r\n\r\n',
  'a chunk extension with a quoted CRLF escape': '5;a="\\r\\n"\r\nhello\r\n0\r\n\r\n',
  'framing fields among the trailers, by other names': '5\r\nhello\r\n0\r\nContent_Length: 9\r\n\r\n',
  'two zero chunks': '5\r\nhello\r\n0\r\n\r\n0\r\n\r\n',
};

for (const [name, body] of Object.entries(doubtfulBodies)) {
  test(`${name}: the body arrives once, and nothing behind it as a part of another`, async () => {
    const path = `/doubtful/${name.replaceAll(/\W/g, '-')}`;
    const client = await rawClient(gateway.port);
    client.write(post('Transfer-Encoding: chunked', body).replace('/victim', path));
    const answer = await client.response('POST');
    for (const request of upstream.requestsTo(path)) {
      const received = await request.received;
      assert.equal(received.complete, answer?.status === 200);
      if (received.complete) assert.equal(received.bytes.toString(), 'hello');
      // What has come whole with its head is sent on with its length, all else in chunks of the gateway's own.
      assert.ok([null, '5'].includes(request.header('content-length')));
      assert.deepEqual(received.trailers, []);
    }
    assert.ok(upstream.requestsTo(path).length <= 1);
    client.destroy();
  });
}

/** Names that some servers take for framing; a length that is right stands beside them. */
for (const line of [
  'Transfer_Encoding: chunked',
  'Content_Length: 50',
  'CONTENT_LENGTH: 0',
  'transfer_encoding: gzip',
]) {
  test(`${line}: is not passed on beside the true framing`, async () => {
    const path = `/alike/${line.replaceAll(/\W/g, '-')}`;
    const bytes = post(`Content-Length: 5\r\n${line}\r\nConnection: close`, 'hello').replace('/victim', path);
    assert.equal((await ask(gateway.port, bytes, 'POST')).status, 200);
    const [request] = upstream.requestsTo(path);
    assert.deepEqual(
      request?.fields.filter(([field]) => /^(content|transfer).(length|encoding)$/i.test(field)),
      [['content-length', '5']],
    );
    assert.equal((await request?.received)?.bytes.toString(), 'hello');
  });
}

test('chunk extensions are harmless and are dropped', async () => {
  const answer = await ask(
    gateway.port,
    'POST /extended HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n',
    'POST',
  );
  assert.equal(answer.status, 200);
  assert.equal((await (await upstream.arrival('/extended')).received).bytes.toString(), 'hello');
  assert.equal(upstream.saw('a=b'), false);
});

test('a megabyte of chunk extensions is refused', async () => {
  const client = await rawClient(gateway.port);
  client.write(post('Transfer-Encoding: chunked', `5;${'x'.repeat(1_000_000)}\r\nhello\r\n0\r\n\r\n`), smuggled);
  const [answer] = await client.responsesUntilClosed(2).catch(() => []);
  if (answer !== undefined) assert.ok([400, 413, 431].includes(answer.status), String(answer.status));
  client.destroy();
});

for (const [target, host] of [
  ['http://a/absolute?x=%2f', 'a'],
  ['HTTP://A/absolute?x=%2f', 'a'],
  ['http://a:80/absolute?x=%2f', 'a:80'],
  ['http://a:80/absolute?x=%2f', 'a'],
  ['http://a/absolute?x=%2f', 'A:80'],
]) {
  test(`an absolute-form target that agrees with Host (${target}, ${host}) is forwarded in origin form`, async () => {
    assert.equal((await ask(gateway.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 200);
    assert.equal((await upstream.arrival('/absolute')).target, '/absolute?x=%2f');
  });
}

for (const host of ['a', 'A.B-c.example:8080', '127.0.0.1', '[::1]', '[2001:db8::1]:443', 'a_b.internal']) {
  test(`Host: ${host} is fine`, async () => {
    assert.equal((await ask(gateway.port, `GET /hosts HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status, 200);
    assert.equal((await upstream.arrival('/hosts')).header('x-forwarded-host'), host);
  });
}

test('OPTIONS * reaches no upstream', async () => {
  const before = upstream.requests.length;
  const answer = await ask(gateway.port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.ok([200, 204, 400, 404].includes(answer.status), String(answer.status));
  assert.equal(upstream.requests.length, before);
});

for (const target of ['a:443', '/victim', 'http://a/victim']) {
  test(`CONNECT ${target} is refused and opens nothing`, async () => {
    const before = upstream.requests.length;
    const client = await rawClient(gateway.port);
    client.write(`CONNECT ${target} HTTP/1.1\r\nHost: a:443\r\n\r\n`, smuggled);
    const answers = await client.responsesUntilClosed(2);
    for (const answer of answers) assert.ok(answer.status >= 400, String(answer.status));
    assert.ok(answers.length <= 1);
    assert.equal(upstream.requests.length, before);
    client.destroy();
  });
}

test('a good request keeps its answer when a malformed one follows it', async () => {
  for (const malformed of ['GET /victim HTTP/1.1\r\nHost : a\r\n\r\n', 'nonsense\r\n\r\n', get('X-A: b\0')]) {
    upstream.on('/good', async (request) => {
      // By now the malformed one has long been read: it came in the same packet.
      await ask(gateway.port, 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
      request.send('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
    });
    const client = await rawClient(gateway.port);
    client.write('GET /good HTTP/1.1\r\nHost: a\r\n\r\n', malformed, smuggled);
    const answers = await client.responsesUntilClosed(2);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 400],
    );
    assert.equal(answers[0]?.text(), 'good');
    client.destroy();
  }
});

test('a good request keeps its answer when a refused one follows it', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /good-2 HTTP/1.1\r\nHost: a\r\n\r\n', hosts('Host: a\r\nHost: b'), smuggled);
  const answers = await client.responsesUntilClosed(2);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 400],
  );
  client.destroy();
});

test('what follows Connection: close is not served', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /closing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', smuggled);
  const answers = await client.responsesUntilClosed(2);
  assert.equal(answers[0]?.status, 200);
  assert.ok(answers.length === 1 || answers[1]?.status === 400);
  client.destroy();
});

test('what follows a refusal is ignored also when it comes later', async () => {
  const client = await rawClient(gateway.port);
  client.write(hosts('Host: a\r\nHost: b'));
  assert.equal((await client.response())?.status, 400);
  client.write(smuggled);
  assert.equal(await client.response().catch(() => null), null);
  client.destroy();
});

for (const line of ['GET  /spaces HTTP/1.1', 'GET /spaces  HTTP/1.1', 'GET   /spaces   HTTP/1.1']) {
  // node's parser takes them for one; RFC 9112, section 3, allows it, and no two readings are possible.
  test(`${line}: several spaces become one`, async () => {
    const answer = await ask(gateway.port, `${line}\r\nHost: a\r\n\r\n`);
    if (answer.status === 400) return;
    assert.equal(answer.status, 200);
    assert.equal((await upstream.arrival('/spaces')).target, '/spaces');
  });
}

test('GET with RTSP/1.0, which node takes for HTTP/1.0, is one request at most', async () => {
  const client = await rawClient(gateway.port);
  client.write('GET /rtsp RTSP/1.0\r\nHost: a\r\n\r\n', smuggled);
  const answers = await client.responsesUntilClosed(1);
  assert.equal(answers.length, 1);
  client.destroy();
});

test('an empty line before a request is harmless', async () => {
  assert.equal((await ask(gateway.port, '\r\nGET /after-crlf HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
});

test('the upstream has never seen what was smuggled, nor anything that is not plain HTTP', () => {
  assert.equal(upstream.saw('/smuggled'), false);
  assert.deepEqual(upstream.violations, []);
});

test('the worker has lived through all of it', async () => {
  assert.equal((await ask(gateway.port, 'GET /alive HTTP/1.1\r\nHost: a\r\n\r\n')).status, 200);
  assert.deepEqual(gateway.workers(), [worker]);
});
