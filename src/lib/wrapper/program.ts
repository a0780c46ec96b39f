// The job wrapper as it goes to a worker node, where it is one file: what comments call wrapper.sh. Its parts follow the
// job: the first sets the variables of all, the last runs what the others define.
import job from './program/job.sh';
import outputs from './program/outputs.sh';
import payload from './program/payload.sh';
import record from './program/record.sh';
import stageIn from './program/stage-in.sh';
import stageOut from './program/stage-out.sh';
import start from './program/start.sh';

export const wrapper = [start, record, stageIn, payload, outputs, stageOut, job].join('\n');
