// The s3 protocol on real servers: the conformance suite, with requests for whole files and in parts.
import { open } from '../../src/lib/protocols/s3/s3.ts';
import { storageContract } from '../contracts/storage.ts';
import { S3_SERVERS, s3Settings } from './s3-world.ts';

for (const server of S3_SERVERS) storageContract(`s3 (${server.name})`, { make: () => open(s3Settings(server)) });
