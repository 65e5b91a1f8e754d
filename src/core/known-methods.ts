/**
 * The methods that metrics and spans call by their names: those of RFC 9110, and PATCH. Others are a client's own words, of
 * which there is no end.
 */
export const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'] as const;
